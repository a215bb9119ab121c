/*
 * frames.c - names and lines for a program that prints its own traces.
 *
 * A program that dies by a panic, a fatal error or SIGQUIT prints the goroutines' stacks itself, in the
 * state it is in: in a signal handler, perhaps with a broken heap. It cannot read DWARF there. It starts
 * `goc-race frames-fd N` (runtime/lines.c), asks over the socket N, a packet a question, and gets a packet
 * for each, the text ready to be printed.
 *
 *   m BASE LO HI PATH   a mapped file (all before the first question; hexadecimal; PATH may be empty: the
 *                       program's own). No answer
 *   p PATH              the program's path. No answer
 *   f PC                the frames of a return address   "main()\n\t/src/a.c:12 +0x1f\n"
 *   x PC                … of an instruction's own address
 *   c PC                the innermost one alone, as it stands behind "created by": "main\n\t/src/…\n"
 *
 * An answer begins with a byte: '=' the text follows; 'm' the same, and the function is main, below
 * which nothing is to be printed; '?' nothing is known of a line there, say it yourself. As in Go's
 * traces a function that was inlined is `name(...)`, and has no offset.
 *
 * Nothing is waited for but the next question; the end of the socket is the end.
 */
#include "symbol.h"
#include "tool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUESTION = 8192, ANSWER = 16384 };

struct asked {
    struct arena arena;
    struct symbols symbols;
    struct module *module;
    size_t n, room;
    bool ready;
};

static void add_module(struct asked *a, const char *s)
{
    char *end;
    struct module m = {0};
    m.base = strtoull(s, &end, 16);
    m.lo = strtoull(end, &end, 16);
    m.hi = strtoull(end, &end, 16);
    m.path = arena_str(&a->arena, *end == ' ' ? end + 1 : "");
    if (a->n == a->room) {
        a->room = a->room * 2 + 16;
        a->module = xrealloc(a->module, a->room * sizeof *a->module);
    }
    a->module[a->n++] = m;
}

static void place(struct buf *b, const struct frame *f)
{
    buf_printf(b, "\t%s:%u", f->file, f->line);
    if (!f->inlined)
        buf_printf(b, " +0x%llx", (unsigned long long)f->offset);
    buf_str(b, "\n");
}

static void answer(struct asked *a, char what, uint64_t pc, struct buf *b)
{
    struct stack st = {0};
    if (!a->ready) {
        symbols_modules(&a->symbols, a->module, a->n);
        a->ready = true;
    }
    symbols_stack(&a->symbols, &pc, 1, what == 'x', &st);
    b->n = 0;
    for (size_t i = 0; i < st.n; i++)
        if (!st.frame[i].func || !st.frame[i].file) {
            buf_str(b, "?");
            return;
        }
    if (!st.n) {
        buf_str(b, "?");
        return;
    }
    buf_str(b, strcmp(st.frame[st.n - 1].func, "main") == 0 ? "m" : "=");
    if (what == 'c') {
        buf_printf(b, "%s\n", st.frame[0].func);
        place(b, &st.frame[0]);
        return;
    }
    for (size_t i = 0; i < st.n; i++) {
        buf_printf(b, "%s(%s)\n", st.frame[i].func, st.frame[i].inlined ? "..." : "");
        place(b, &st.frame[i]);
    }
}

int frames_fd(int fd)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    static struct asked a;
    static char q[QUESTION];
    struct buf b = {0};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    symbols_init(&a.symbols, &a.arena, NULL);
    for (;;) {
        ssize_t n = recv(fd, q, sizeof q - 1, 0);
        if (n < 2)
            return 0;
        q[n] = 0;
        switch (q[0]) {
        case 'm':
            add_module(&a, q + 2);
            break;
        case 'p':
            a.symbols.program = arena_str(&a.arena, q + 2);
            break;
        case 'f':
        case 'x':
        case 'c':
            answer(&a, q[0], strtoull(q + 2, NULL, 16), &b);
            if (b.n > ANSWER) {
                b.n = 0;
                buf_str(&b, "?");
            }
            if (send(fd, b.s, b.n, 0) < 0)
                return 0;
            break;
        default:
            return 125;
        }
    }
}
