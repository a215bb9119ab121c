/*
 * compile.c - what the headers must accept without a warning, and what must not compile: the wrong
 * direction, the wrong element type. With gcc and every clang that is there, at -O0 and -O2; errors
 * must be errors even with all warnings off.
 */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prelude[] =
    "#include <goc/chan.h>\n#include <goc/go.h>\n#include <goc/select.h>\n#include <goc/sync.h>\n"
    "#include <goc/context.h>\n#include <goc/time.h>\n"
    "struct p { int x, y; }; struct q { int x, y; }; enum e { A, B };\n"
    "extern goc_chan(int) c; extern goc_send_chan(int) s; extern goc_recv_chan(int) r;\n"
    "extern goc_chan(long) lc; extern goc_chan(double) dc; extern goc_chan(bool) bc;\n"
    "extern goc_chan(struct p) pc; extern goc_chan(int *) ipc; extern goc_chan(char *) cpc;\n"
    "extern goc_chan(const char *) ccpc; extern goc_chan(void *) vpc; extern goc_chan(enum e) ec;\n"
    "extern goc_chan(goc_unit) uc; extern goc_chan(goc_chan(int)) cc;\n"
    "extern goc_chan(void (*)(void)) fc;\n"
    "extern struct p p; extern struct q q; extern const struct p kp;\n"
    "extern int i; extern long l; extern double d; extern bool ok; extern char buf[4];\n"
    "extern const char *ccp; extern const int k; extern goc_waitgroup wg;\n"
    "void f(void); void g1(int); void g2(struct p *, long); void gd(double); void gf(float);\n"
    "void g4(int, int, int, double); void g6(int, int, int, int, float, int);\n"
    "void g3f(int, int, float); void gs(struct p); void gp(int *);\n"
    "void test(void);\nvoid test(void)\n{\n";

static const char *const good[] = {
    "s = c; r = c; goc_send(s, 1); i = goc_recv(r); goc_send(c, k); i += goc_recv(c);",
    "goc_send(lc, 1); goc_send(lc, i); goc_send(lc, 'c'); goc_send(lc, A); goc_send(bc, i > 3);",
    "goc_send(dc, 1); goc_send(dc, 1.5f); goc_send(dc, i); goc_send(ec, B); goc_send(bc, true);",
    "goc_send(pc, p); goc_send(pc, kp); goc_send(pc, (struct p){1, 2}); p = goc_recv(pc);",
    "goc_send(ipc, &i); goc_send(ipc, NULL); goc_send(ipc, goc_recv(vpc));",
    "goc_send(cpc, buf); goc_send(ccpc, buf); goc_send(ccpc, \"abc\"); goc_send(ccpc, ccp);",
    "goc_send(vpc, &p); goc_send(vpc, buf); goc_send(vpc, NULL);",
    "goc_send(uc, GOC_UNIT); goc_recv(uc); goc_unit u; goc_recv_ok(uc, &u);",
    "goc_send(cc, c); goc_send(goc_recv(cc), 3); goc_send(c, goc_recv(goc_recv(cc)));",
    "goc_send(fc, f); goc_send(fc, &f); goc_recv(fc)();",
    "goc_range(v, c) { if (v) continue; break; } goc_range(v, r) goc_range(w, pc) i += v + w.x;",
    "if (goc_try_recv(c, &i) && goc_try_send(pc, p)) goc_close(s); else goc_close(c);",
    "goc_recv_ok(c, NULL); ok = goc_recv_ok(r, &i); i = goc_len(c) + goc_cap(s);",
    "switch (goc_select(goc_on_recv(c, &i), goc_on_send(pc, p), goc_on_recv(r, NULL),"
    " goc_on_recv_ok(r, &i, &ok), goc_on_send(pc, (struct p){1, 2}), goc_on_send(s, 4),"
    " goc_on_timeout(5), goc_on_default())) { case 0: break; }",
    "goc_select();",
    "goc_case cases[2]; cases[0] = goc_on_send(c, i); cases[1] = goc_on_recv(lc, &l);"
    " goc_select_n(cases, 2);",
    "goc_chan(int) m = goc_chan_make(int, 3); goc_chan_free(m); s = goc_chan_make(int, i);",
    "goc_chan(int) const kc = c; goc_send(kc, 1); __typeof__(c) other = kc; i = goc_recv(other);",
    "goc_recv(goc_context_done(goc_background()));",
    "goc_waitgroup_go(&wg, f); goc_waitgroup_go(&wg, g1, 3); goc_waitgroup_go(&wg, g2, &p, l);",
    "if (ok) goc_send(c, 1); else goc_waitgroup_go(&wg, f);",
    "if (ok) go(f); else go(g2, &p, 3);",
    "go(g1, i); go(g1, 'c'); go(g1, B); go(g1, ok); go(gp, NULL); go(gp, &i); go(g2, 0, 1);",
    "goc_mutex m = GOC_MUTEX_INIT; goc_rwmutex rw = GOC_RWMUTEX_INIT; goc_once o = GOC_ONCE_INIT;"
    " goc_cond cd = GOC_COND_INIT(&m); goc_sem sm = GOC_SEM_INIT(i); goc_waitgroup w ="
    " GOC_WAITGROUP_INIT; (void)rw; (void)o; (void)cd; (void)sm; (void)w;",
    "static const goc_duration pause = 3 * GOC_MINUTE; goc_sleep(pause);",
    "{ goc_defer(gp, &i); goc_defer(gp, NULL); }",
};

static const char *const bad[] = {
    "goc_send(r, 1);",
    "goc_try_send(r, 1);",
    "goc_close(r);",
    "i = goc_recv(s);",
    "goc_recv_ok(s, &i);",
    "goc_try_recv(s, &i);",
    "goc_range(v, s) {}",
    "goc_select(goc_on_recv(s, &i));",
    "goc_select(goc_on_recv_ok(s, &i, &ok));",
    "goc_select(goc_on_send(r, 1));",
    "goc_send(pc, q);",
    "goc_send(pc, 1);",
    "goc_send(pc, &p);",
    "goc_send(c, p);",
    "goc_send(c, &i);",
    "goc_send(c, \"abc\");",
    "goc_send(c, NULL);",
    "goc_send(c, d);",
    "goc_send(c, 1.5);",
    "goc_send(dc, &d);",
    "goc_send(ipc, &l);",
    "goc_send(ipc, 5);",
    "goc_send(ipc, i);",
    "goc_send(cpc, ccp);",
    "goc_send(uc, 1);",
    "goc_recv_ok(c, &l);",
    "goc_try_recv(c, &d);",
    "goc_recv_ok(ipc, &i);",
    "goc_select(goc_on_recv(c, &l));",
    "goc_select(goc_on_send(c, &i));",
    "goc_select(goc_on_recv_ok(c, &i, &i));",
    "i = goc_recv(pc);",
    "struct p v = goc_recv(c);",
    "goc_send(i, 1);",
    "goc_send(&i, 1);",
    "goc_recv(buf);",
    "goc_waitgroup_go(&wg, gd, 1.0);",
    "goc_waitgroup_go(&wg, g1);",
    "goc_waitgroup_go(&wg, g1, p);",
    "go(gd, 1.0);",
    "go(gd, 1);",
    "go(gf, 1.0f);",
    "go(gf, i);",
    "go(g3f, 1, 2, 3);",
    "go(g4, 1, 2, 3, 4);",
    "go(g6, 1, 2, 3, 4, 5, 6);",
    "go(g1, 1.5);",
    "go(gs, p);",
    "go(g1);",
    "go(g1, 1, 2);",
    "go(f, 1);",
    "go(i);",
    "go(g4, 1, 2, 3, 4, 5, 6, 7);",
    "goc_defer(gd, 1.0);",
    "goc_defer(f, &i);",
};

static bool there(const char *cc)
{
    struct unit_end *end = malloc(sizeof *end);
    const char *argv[] = {cc, "--version", NULL};
    unit_exec(end, argv, NULL, 10);
    bool yes = end->status == 0;
    free(end);
    return yes;
}

/* Compile the body of a function; returns the compiler's status and leaves its words in *end. */
static int compile(struct unit_end *end, const char *cc, const char *opt, const char *body,
                   bool warnings)
{
    char file[64], object[64], include[512];
    snprintf(file, sizeof file, "/tmp/goc-compile-%d.c", (int)getpid());
    snprintf(object, sizeof object, "/tmp/goc-compile-%d.o", (int)getpid());
    snprintf(include, sizeof include, "-I%s/include", unit_build());
    FILE *out = fopen(file, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "%s%s\n}\n", prelude, body);
    fclose(out);
    const char *strict[] = {cc,      "-std=c11", opt,  "-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror",
                            include, "-c",         file, "-o",    object,    NULL};
    const char *lax[] = {cc, "-std=gnu11", opt, "-w", include, "-c", file, "-o", object, NULL};
    unit_exec(end, warnings ? strict : lax, NULL, 30);
    unlink(file);
    unlink(object);
    return end->status;
}

static const char *const compilers[] = {"gcc", "clang-14", "clang-16", "clang-18", "clang-19"};

START_TEST(what_must_compile)
{
    static struct unit_end end;
    const char *cc = compilers[_i];
    if (!there(cc))
        return;
    static char all[1 << 14];
    all[0] = 0;
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        strcat(all, "{ ");
        strcat(all, good[k]);
        strcat(all, " }\n");
    }
    const char *opts[] = {"-O0", "-O2"};
    for (int o = 0; o < 2; o++)
        ck_assert_msg(compile(&end, cc, opts[o], all, true) == 0, "%s %s:\n%s", cc, opts[o],
                      end.text);
}
END_TEST

START_TEST(what_must_not)
{
    static struct unit_end end;
    const char *cc = compilers[_i];
    if (!there(cc))
        return;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_msg(compile(&end, cc, "-O0", bad[k], false) == 1, "%s: compiles: %s", cc, bad[k]);
        ck_assert_msg(unit_contains(end.text, "error:"), "%s: %s", cc, end.text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compile");
    TCase *tc = tcase_create("compile");
    tcase_set_timeout(tc, 120);
    int n = sizeof compilers / sizeof *compilers;
    tcase_add_loop_test(tc, what_must_compile, 0, n);
    tcase_add_loop_test(tc, what_must_not, 0, n);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
