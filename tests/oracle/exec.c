/*
 * exec.c - runs one random program on the race runtime, and writes down what it does.
 *
 * It is an ordinary program of libgoc-race, except that it is not instrumented: instead of letting
 * a compiler insert calls, it makes the calls of the -fsanitize=thread ABI itself, with addresses
 * and kinds out of the program. So no program needs compiling, its own bookkeeping is invisible to
 * the detector, and every entry point can be reached, also those that this compiler never emits.
 *
 * Each operation enters a frame whose code address (fake_pc) names the goroutine and the operation;
 * the stacks of a finding therefore say which two operations it is about, and the stack of the
 * earlier access says so only if the history was restored rightly.
 *
 * What must never happen is that an operation is refused by the runtime as a misuse, because then
 * the program ends there. With one P that is simple, since nothing runs between a test and the
 * operation it guards. With several, only uses are made that are safe in any order: a channel is
 * closed only by the goroutine that alone sends on it, and so on (`par` below).
 *
 * Threads. A thread that the program starts would run beside the one P; so its creator waits,
 * without a system call, until it has run to its end or to the place where the two meet, and no
 * goroutine begins an operation meanwhile (`thread_runs`). What the detector is told is the same as
 * if nobody had waited: the wait is made of plain loads that it does not see. On a thread only such
 * operations are done as need no P; on goroutines, of POSIX's, only such as do not block.
 *
 * A read or write need not touch the memory it names. It therefore may lie in a block that has been
 * freed, or in the stack of a goroutine that has ended.
 *
 * fork. The child is the goroutine that forked, alone in a copy of the memory; it runs a body of
 * operations that need nobody else, and ends. Its parent waits for it as for a thread. Its events stand in
 * the same trace, with its number.
 *
 * Here are the log, who runs, and the order of operations; what each of them does is in
 * exec_memory.c, exec_libgoc.c, exec_posix.c, exec_thread.c and exec_process.c.
 */
#include "exec.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- the program and its log ------------------------------------------------------------------ */

struct shared *S;
bool par;
uint32_t child;
struct run *runs[MAX_INST];
static uint32_t body_op[MAX_BODIES][MAX_OPS], body_len[MAX_BODIES];
static struct start starts[MAX_INST];
static bool stopping;

uint32_t log_event(struct run *x, int kind, int flags, uint64_t a, uint64_t b, uint64_t c)
{
    uint32_t i = __atomic_fetch_add(&S->nevents, 1, __ATOMIC_SEQ_CST);
    if (i >= MAX_EVENTS)
        return MAX_EVENTS - 1;
    struct event *e = &S->ev[i];
    e->flags = (uint16_t)flags;
    e->g = x->inst;
    e->op = x->op;
    e->child = child;
    e->a = a;
    e->b = b;
    e->c = c;
    __atomic_store_n(&e->kind, (uint16_t)kind, __ATOMIC_RELEASE);
    return i;
}
static bool log_nearly_full(void)
{
    return __atomic_load_n(&S->nevents, __ATOMIC_RELAXED) > MAX_EVENTS - 6000;
}

/* --- who runs --------------------------------------------------------------------------------- */

struct start *new_instance(uint32_t body)
{
    uint32_t i = par ? __atomic_fetch_add(&S->ninst, 1, __ATOMIC_RELAXED) : S->ninst++;
    if (i >= S->max_inst || i >= MAX_INST) {
        __atomic_fetch_sub(&S->ninst, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    starts[i].inst = i;
    starts[i].body = body;
    return &starts[i];
}

struct run *run_here(void)
{
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
    for (uint32_t i = 0; i < MAX_INST; i++) {
        uintptr_t r = (uintptr_t)__atomic_load_n(&runs[i], __ATOMIC_RELAXED);
        if (r > sp && r - sp < 12000)
            return (struct run *)r;
    }
    abort();
}

void run_begins(struct run *x)
{
    log_event(x, EV_START, 0, (uintptr_t)x->buffer, STACKBUF, 0);
    __atomic_store_n(&runs[x->inst], x, __ATOMIC_RELAXED);
    stack_buffer[x->body] = x->buffer;
    stack_of[x->body] = x->inst;
}
void run_ends(struct run *x)
{
    for (; x->entered > 0; x->entered--)
        __tsan_func_exit();
    __atomic_store_n(&runs[x->inst], NULL, __ATOMIC_RELAXED);
}

/* --- operations ------------------------------------------------------------------------------- */

static void run_op(struct run *x, const struct op *o)
{
    if (o->kind == OP_END) /* of a loop that run_program goes round */
        return;
    if (!memory_op(x, o) && !libgoc_op(x, o) && !posix_op(x, o) && !thread_op(x, o) &&
        !process_op(x, o))
        abort();
}

/* Operations [from, to) of this goroutine's body; a LOOP repeats what lies before its END. */
static void run_program(struct run *x, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        uint32_t n = body_op[x->body][i];
        const struct op *o = &S->op[n];
        if (__atomic_load_n(&stopping, __ATOMIC_RELAXED) || log_nearly_full())
            return;
        if (o->kind == OP_LOOP) {
            uint32_t end = i + 1, depth = 1;
            while (end < to) {
                int k = S->op[body_op[x->body][end]].kind;
                depth += k == OP_LOOP;
                depth -= k == OP_END;
                if (depth == 0)
                    break;
                end++;
            }
            for (int r = 1; r < o->a; r++)
                run_program(x, i + 1, end);
            continue;
        }
        if ((x->thread && !for_thread(o->kind) && o->kind != OP_CALL) ||
            (child && !for_child(o->kind)))
            continue;
        while (!par && !child && !x->thread && __atomic_load_n(&thread_runs, __ATOMIC_SEQ_CST))
            goc_gosched();
        x->op = n;
        if (o->kind == OP_CALL) {
            for (int k = 0; k < o->a; k++)
                __tsan_func_entry((void *)(FAKE_END + n * 256 + (uint32_t)k));
            for (int k = 0; k < o->a && o->d; k++)
                __tsan_func_exit();
            x->entered += o->d ? 0 : (uint32_t)o->a;
            continue;
        }
        __tsan_func_entry((void *)fake_pc(x->inst, n));
        run_op(x, o);
        __tsan_func_exit();
    }
}

void run_all(struct run *x)
{
    run_program(x, 0, body_len[x->body]);
}

void run_body(struct run *x, uint32_t body)
{
    uint32_t own = x->body, op = x->op;
    x->body = body;
    run_all(x);
    x->body = own;
    x->op = op;
}

/* Until nothing more happens: with one P, every goroutine that can run does so at a yield. */
static void drain(void)
{
    uint32_t last = 0, quiet = 0;
    for (int i = 0; i < (par ? 200 : 4000) && quiet < (par ? 3u : 40u); i++) {
        if (par)
            goc_sleep(100 * GOC_MICROSECOND);
        else
            goc_gosched();
        uint32_t now = __atomic_load_n(&S->nevents, __ATOMIC_RELAXED);
        quiet = now == last ? quiet + 1 : 0;
        last = now;
    }
}

/* As an instrumented object does: its calls of libc are then the program's. */
__attribute__((constructor)) static void instrumented(void)
{
    __tsan_init();
}

int main(void)
{
    const char *fd = getenv("ORACLE_FD");
    if (!fd)
        return 3;
    S = mmap(NULL, sizeof *S, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);
    if (S == MAP_FAILED)
        return 3;
    close(atoi(fd));
    par = S->par;
    for (uint32_t i = 0; i < S->nops; i++) {
        uint32_t b = S->op[i].body;
        body_op[b][body_len[b]++] = i;
    }
    libgoc_objects();
    if (!posix_objects() || !thread_objects() || !process_objects())
        return 3;

    S->ninst = 1;
    _Alignas(16) unsigned char buffer[STACKBUF];
    struct run x = {.buffer = buffer};
    run_begins(&x);
    run_all(&x);
    if (S->drain)
        drain();
    __atomic_store_n(&stopping, true, __ATOMIC_RELAXED);
    S->done = 1;
    return 0;
}
