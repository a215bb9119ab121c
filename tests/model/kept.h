/*
 * kept.h - the steps of runtime/select_keep.c: a part of select.c, whose state and queues it uses.
 *
 * What the real code does under a channel's lock and nobody else sees is one step; each look at
 * `queued`, `next`, `dropped` and the pick without the lock is one of its own.
 */
static const struct op *op_of_set(const struct state *s, int w)
{
    return &sc->op[w >> 4][s->p[w >> 4].k.set - 1];
}

static void start_kept(struct state *s, int p)
{
    struct proc *g = &s->p[p];
    const struct op *op = op_of(s, p);
    if (!g->k.set) {
        g->k.set = (uint8_t)(g->op + 1);
        g->k.fired = 1;
        g->k.in = 0;
        g->k.dropped = (1 << CASES) - 1;
    }
    for (int k = 0; k < op->n; k++) {
        const struct chan *c = &s->c[op->c[k].ch];
        for (int at = 0; at < (op->c[k].send ? c->sn : c->rn); at++) {
            int w = (op->c[k].send ? c->sq : c->rq)[at];
            bool settled = !(w & KEPT) || !s->p[w >> 4].k.committing; /* or it may yet go back */
            if (w >> 4 != p && waits(s, w) && settled)
                g->k.ahead[k] |= (uint8_t)(1 << (w >> 4));
        }
    }
    g->i = 0;
    g->pc = KEPT_CHECK;
}

static void in_turn(const struct state *s, int p)
{
    const struct op *op = op_of(s, p);
    for (int k = 0; k < op->n; k++) {
        bool send = op->c[k].send;
        const struct chan *c = &s->c[op->c[k].ch];
        int at = place(c, send, p << 4 | KEPT | k);
        for (at = at < 0 ? QUEUE : at + 1; at < (send ? c->sn : c->rn); at++) {
            int w = (send ? c->sq : c->rq)[at];
            if (s->p[p].k.ahead[k] >> (w >> 4) & 1 && waits(s, w))
                fault(s, "a kept waiter stands in front of one who came before");
        }
    }
}

/* Of the goroutine, and of who frees a channel; s is a copy. */
static void step_kept(struct state *s, int p)
{
    struct proc *g = &s->p[p];
    const struct op *op = op_of(s, p);
    int k = g->i, bit = 1 << k, at, mine = p << 4 | KEPT | k;
    switch (g->pc) {
    case KEPT_CHECK: { /* without locks */
        if (k == op->n) {
            in_turn(s, p);
            g->k.committing = 1;
            g->commit = COMMIT_OPEN;
            g->commit_i = 0;
            g->pc = KEPT_WAIT;
            break;
        }
        const struct chan *c = &s->c[op->c[k].ch];
        bool send = op->c[k].send;
        at = place(c, send, mine);
        if (g->k.in & bit && (broken == 12 || at + 1 == (send ? c->sn : c->rn))) {
            g->i++;
            break;
        }
        if (c->freed)
            fault(s, "a channel is used that was freed");
        if (seems_ready(s, op, k)) {
            g->i = 0;
            g->pc = PEEK;
        } else {
            g->pc = KEPT_ENTER;
        }
        break;
    }
    case KEPT_ENTER: {
        struct chan *c = &s->c[op->c[k].ch];
        if (c->lock)
            return;
        if (c->freed)
            fault(s, "a channel is used that was freed");
        if (g->k.in & bit)
            take(s, c, op->c[k].send, place(c, op->c[k].send, mine));
        g->k.dropped |= (uint8_t)bit;
        if (seems_ready(s, op, k) && broken != 13) {
            g->i = 0;
            g->pc = PEEK;
            break;
        }
        push(c, op->c[k].send, mine);
        g->k.in |= (uint8_t)bit;
        g->k.dropped &= (uint8_t)~bit;
        g->i++;
        g->pc = KEPT_CHECK;
        break;
    }
    case KEPT_WAIT:
        if (!g->readied)
            return;
        g->readied = 0;
        g->pc = KEPT_WOKEN;
        break;
    case KEPT_WOKEN:
        if (g->k.committing && broken != 8)
            return;
        g->k.dropped |= (uint8_t)(1 << g->k.winner);
        g->k.winner = 0;
        g->pc = DONE;
        break;

    case FORGET_LOOK:
        if (k == CASES || broken == 15)
            g->pc = FORGET_END;
        else
            g->pc = g->k.in & bit ? FORGET_OUT : FORGET_DROPPED;
        break;
    case FORGET_OUT: {
        const struct op *of = op_of_set(s, mine);
        struct chan *c = &s->c[of->c[k].ch];
        if (c->freed)
            fault(s, "a channel is used that was freed");
        if (c->lock)
            return;
        if (g->k.in & bit) {
            take(s, c, of->c[k].send, place(c, of->c[k].send, mine));
            g->k.dropped |= (uint8_t)bit;
        }
        g->pc = FORGET_DROPPED;
        break;
    }
    case FORGET_DROPPED:
        if (!(g->k.dropped & bit) && broken != 9)
            return;
        g->i++;
        g->pc = FORGET_LOOK;
        break;
    case FORGET_END:
        memset(&g->k, 0, sizeof g->k);
        s->leaving = 0;
        g->pc = DONE;
        break;

    case FREE_DROP: {
        struct chan *c = &s->c[op->c[0].ch];
        if (g->hand) {
            set_of(s, g->hand - 1)->k.dropped |= (uint8_t)(1 << ((g->hand - 1) & 7));
            g->hand = 0;
            break;
        }
        for (int send = 0; send < 2 && !g->hand && broken != 10; send++)
            for (at = 0; at < (send ? c->sn : c->rn) && !g->hand; at++) {
                int w = (send ? c->sq : c->rq)[at];
                if (w & KEPT && !waits(s, w)) {
                    g->hand = (uint8_t)(w + 1);
                    take(s, c, send, at);
                }
            }
        if (g->hand)
            break;
        c->lock = 0;
        g->pc = FREE_LEAVING;
        break;
    }
    case FREE_LEAVING:
        if (s->leaving && broken != 11)
            return;
        g->pc = FREE_END;
        break;
    case FREE_END: {
        struct chan *c = &s->c[op->c[0].ch];
        if (c->lock)
            return;
        if (c->rn || c->sn) {
            if (waits(s, c->rn ? c->rq[0] : c->sq[0]) || broken == 10)
                fault(s, "a channel is freed that is in use");
            g->pc = START; /* a select that is about to take its waiter out */
            break;
        }
        c->freed = !op->anew;
        c->closed = c->count = 0;
        g->pc = DONE;
        break;
    }
    }
    visit(s);
}

static void commit_kept(struct state *s, int p)
{
    struct proc *g = &s->p[p];
    if (!g->k.set)
        fault(s, "the commit reads a set that is gone");
    switch (g->commit) {
    case COMMIT_OPEN:
        g->k.fired = 0;
        g->commit = broken == 6 ? COMMIT_END : COMMIT_LOOK;
        break;
    case COMMIT_LOOK:
        g->k.missing |= !(g->k.in >> g->commit_i & 1);
        if (++g->commit_i == CASES)
            g->commit = g->k.missing ? COMMIT_BACK : COMMIT_END;
        break;
    case COMMIT_BACK:
        if (g->k.fired && broken != 14) {
            g->commit = COMMIT_END;
            break;
        }
        if (g->pc != KEPT_WAIT)
            fault(s, "the commit goes on with a goroutine that runs already");
        g->k.fired = 1;
        g->k.committing = 0;
        g->commit = g->i = 0;
        g->pc = PEEK;
        break;
    case COMMIT_END:
        g->k.committing = 0;
        g->commit = 0;
        break;
    }
    if (!g->commit)
        g->commit_i = g->k.missing = 0;
    visit(s);
}
