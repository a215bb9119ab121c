/*
 * rep_text.c - whole reports, word for word, in every format; what is the same finding; what is
 * suppressed. Names are given, so nothing here depends on debug information.
 */
#include "common.h"
#include "rep_fixture.h"

static struct options options;

static struct frame frame(const char *func, const char *file, uint32_t line, uint64_t offset)
{
    return (struct frame){.func = func, .file = file, .line = line, .offset = offset};
}

static struct stack *stack_of(struct arena *a, struct part *p, size_t n, const struct frame *f)
{
    p->stack.frame = arena_alloc(a, n * sizeof *f);
    memcpy(p->stack.frame, f, n * sizeof *f);
    p->stack.n = n;
    return &p->stack;
}

/* The race of the manual's example: deposit() against balance(). */
static struct finding *race(struct arena *a, uint64_t id, uint32_t line)
{
    struct finding *f = arena_alloc(a, sizeof *f);
    f->r.kind = FINDING_RACE;
    f->id = id;
    f->count = 1;
    f->resolved = true;
    f->nparts = 4;
    f->part = arena_alloc(a, f->nparts * sizeof *f->part);
    f->part[0].r = (struct record_part){
        .role = PART_ACCESS, .flags = PART_WRITE, .goid = 7, .addr = 0xc4200621a0, .size = 4};
    struct frame now[] = {frame("deposit", "/src/bank.c", line, 0x3f),
                          frame("worker", "/src/bank.c", 31, 0x11)};
    stack_of(a, &f->part[0], 2, now);
    struct held *h = arena_alloc(a, sizeof *h);
    h->r = (struct record_lock){.addr = 0x10, .kind = 2};
    h->name = "bank.mu";
    h->stack.frame = arena_alloc(a, sizeof(struct frame));
    h->stack.frame[0] = frame("deposit", "/src/bank.c", 19, 0);
    h->stack.n = 1;
    f->part[0].held = h;
    f->part[0].nheld = 1;
    f->part[1].r = (struct record_part){.role = PART_PREVIOUS,
                                        .flags = PART_MAIN | PART_LOCKS,
                                        .goid = 1,
                                        .addr = 0xc4200621a0,
                                        .size = 4};
    struct frame old = frame("balance", "/src/bank.c", 14, 0x5f);
    stack_of(a, &f->part[1], 1, &old);
    f->part[2].r = (struct record_part){.role = PART_CREATED, .goid = 7};
    struct frame created = frame("main", "/src/bank.c", 23, 0x16f);
    stack_of(a, &f->part[2], 1, &created);
    f->part[3].r = (struct record_part){.role = PART_GLOBAL, .addr = 0xc4200621a0, .size = 4};
    f->part[3].name = "bank.accounts[1].balance";
    f->part[3].type = "int";
    f->part[3].type_size = 4;
    f->part[3].file = "/src/bank.c";
    f->part[3].line = 8;
    return f;
}

static const char bank[] =
    "==================\n"
    "WARNING: DATA RACE\n"
    "Write at 0x00c4200621a0 by goroutine 7:\n"
    "  deposit()\n"
    "      /src/bank.c:20 +0x3f\n"
    "  worker()\n"
    "      /src/bank.c:31 +0x11\n"
    "\n"
    "Previous read at 0x00c4200621a0 by main goroutine:\n"
    "  balance()\n"
    "      /src/bank.c:14 +0x5f\n"
    "\n"
    "Goroutine 7 (running) created at:\n"
    "  main()\n"
    "      /src/bank.c:23 +0x16f\n"
    "\n"
    "Location is global 'bank.accounts[1].balance' of type 'int' (4 bytes), defined at "
    "/src/bank.c:8\n"
    "Mutexes held: goroutine 7 holds 'bank.mu' (locked at /src/bank.c:19); main goroutine holds "
    "none\n"
    "Hint: only goroutine 7 holds 'bank.mu' (locked at /src/bank.c:19); if that is what guards "
    "'bank.accounts[1].balance', main goroutine must hold it as well\n"
    "==================\n"
    "Found 1 data race(s)\n"
    "exit status 66\n";

START_TEST(the_contract)
{
    struct reading r;
    reading_start(&r, &options, "text");
    findings_add(&r.all, race(&r.all.arena, 1, 20));
    reading_end(&r, 66);
    ck_assert_str_eq(r.text, bank);
    reading_free(&r);
}
END_TEST

START_TEST(the_same_once)
{
    struct reading r;
    reading_start(&r, &options, "text");
    findings_add(&r.all, race(&r.all.arena, 1, 20));
    struct finding *again = race(&r.all.arena, 2, 20);
    again->part[0].r.addr = again->part[1].r.addr = 0x1234; /* elsewhere, by another */
    again->part[0].r.goid = 9;
    findings_add(&r.all, again);
    /* The other way round. */
    struct finding *turned = race(&r.all.arena, 3, 20);
    struct stack s = turned->part[0].stack;
    turned->part[0].stack = turned->part[1].stack;
    turned->part[1].stack = s;
    findings_add(&r.all, turned);
    findings_repeat(&r.all, 2, 10);
    findings_repeat(&r.all, 2, 12);
    findings_add(&r.all, race(&r.all.arena, 4, 21));
    reading_end(&r, 66);
    ck_assert_uint_eq(r.all.n, 2);
    ck_assert_uint_eq(r.all.first->count, 1 + 12 + 1);
    ck_assert(strstr(r.text, "Seen 14 times: race in deposit() /src/bank.c:20 and balance() "
                             "/src/bank.c:14\nFound 2 data race(s)\nexit status 66\n"));
    reading_free(&r);
}
END_TEST

START_TEST(no_stack_no_location)
{
    struct reading r;
    reading_start(&r, &options, "text");
    struct finding *f = race(&r.all.arena, 1, 20);
    f->nparts = 2;
    f->part[0].nheld = 0;
    f->part[0].r.flags = PART_WRITE | PART_ATOMIC;
    f->part[0].stack.n = 0;
    f->part[1].r.flags = PART_THREAD;
    f->part[1].stack.frame[0] = (struct frame){.module = "/lib/x.so", .module_off = 0x44};
    findings_add(&r.all, f);
    reading_end(&r, 3);
    ck_assert_str_eq(r.text, "==================\n"
                             "WARNING: DATA RACE\n"
                             "Atomic write at 0x00c4200621a0 by goroutine 7:\n"
                             "  [failed to restore the stack]\n"
                             "\n"
                             "Previous read at 0x00c4200621a0 by thread 1:\n"
                             "  ??\n"
                             "      /lib/x.so +0x44\n"
                             "\n"
                             "Hint: one access is atomic and the other is not; make both atomic\n"
                             "==================\n"
                             "Found 1 data race(s)\n"
                             "exit status 3\n");
    reading_free(&r);
}
END_TEST

static struct finding *cycle(struct arena *a)
{
    struct finding *f = arena_alloc(a, sizeof *f);
    f->r.kind = FINDING_LOCK_ORDER;
    f->id = f->count = 1;
    f->resolved = true;
    f->nparts = 5;
    f->part = arena_alloc(a, f->nparts * sizeof *f->part);
    for (size_t i = 0; i < 2; i++) {
        struct part *p = &f->part[2 * i];
        struct frame at = frame(i ? "back" : "forth", "/s.c", 10 + (uint32_t)i, 1);
        struct frame held = frame(i ? "back" : "forth", "/s.c", 8 + (uint32_t)i, 1);
        p[0].r = (struct record_part){
            .role = PART_EDGE, .goid = 2 + i, .addr = 0x10 + i, .addr2 = 0x11 - i, .aux = 2 << 8};
        p[0].name = i ? "b.mu" : "a.mu";
        p[0].name2 = i ? "a.mu" : "b.mu";
        stack_of(a, &p[0], 1, &at);
        p[1].r = (struct record_part){.role = PART_EDGE_HELD, .goid = 2 + i};
        stack_of(a, &p[1], 1, &held);
    }
    f->part[4].r = (struct record_part){.role = PART_CREATED, .goid = 2, .flags = PART_FINISHED};
    struct frame created = frame("main", "/s.c", 23, 0x16f);
    stack_of(a, &f->part[4], 1, &created);
    return f;
}

START_TEST(lock_cycle)
{
    struct reading r;
    reading_start(&r, &options, "text");
    findings_add(&r.all, cycle(&r.all.arena));
    reading_end(&r, 66);
    ck_assert_str_eq(r.text, "==================\n"
                             "WARNING: POTENTIAL DEADLOCK\n"
                             "Lock order cycle: 'a.mu' -> 'b.mu' -> 'a.mu'\n"
                             "\n"
                             "Goroutine 2 locked 'b.mu' while it held 'a.mu', at:\n"
                             "  forth()\n"
                             "      /s.c:10 +0x1\n"
                             "\n"
                             "Goroutine 2 had locked 'a.mu' at:\n"
                             "  forth()\n"
                             "      /s.c:8 +0x1\n"
                             "\n"
                             "Goroutine 3 locked 'a.mu' while it held 'b.mu', at:\n"
                             "  back()\n"
                             "      /s.c:11 +0x1\n"
                             "\n"
                             "Goroutine 3 had locked 'b.mu' at:\n"
                             "  back()\n"
                             "      /s.c:9 +0x1\n"
                             "\n"
                             "Goroutine 2 (finished) created at:\n"
                             "  main()\n"
                             "      /s.c:23 +0x16f\n"
                             "==================\n"
                             "Found 1 potential deadlock(s)\n"
                             "exit status 66\n");
    reading_free(&r);
}
END_TEST

static const char *rendered(const char *format)
{
    static char text[1 << 16];
    struct reading r;
    reading_start(&r, &options, format);
    struct finding *f = race(&r.all.arena, 1, 20);
    f->part[0].stack.frame[1].func = "w<>&\"\\\xff.";
    findings_add(&r.all, f);
    findings_add(&r.all, cycle(&r.all.arena));
    reading_end(&r, 66);
    snprintf(text, sizeof text, "%s", r.text);
    reading_free(&r);
    return text;
}

START_TEST(other_formats)
{
    const char *s = rendered("json");
    ck_assert(
        has_prefix(s, "{\"version\":1,\"id\":1,\"kind\":\"race\",\"heading\":\"DATA RACE\","));
    ck_assert(strstr(s, "\"function\":\"w<>&\\\"\\\\\\ufffd.\""));
    ck_assert(strstr(s, "}\n{\"version\":1,\"id\":2,\"kind\":\"lockorder\","));
    s = rendered("github");
    ck_assert(has_prefix(s, "::error file=/src/bank.c,line=20,title=DATA RACE::data race on "
                            "'bank.accounts[1].balance': write by goroutine 7 in deposit() at "
                            "/src/bank.c:20, previous read by main goroutine in balance() at "
                            "/src/bank.c:14\n::notice file=/src/bank.c,line=14,"));
    s = rendered("junit");
    ck_assert(strstr(s, "<testsuites name=\"goc-race\" tests=\"2\" failures=\"2\" errors=\"0\">"));
    ck_assert(strstr(s, "  w&lt;&gt;&amp;&quot;\\\xef\xbf\xbd.()\n"));
    s = rendered("man");
    ck_assert(strstr(s, "w<>&\\(dq\\e"));
    s = rendered("html");
    ck_assert(strstr(s, "<svg") && strstr(s, "w&lt;&gt;&amp;"));
    s = rendered("sarif");
    ck_assert(strstr(s, "\"uri\":\"file:///src/bank.c\""));
}
END_TEST

static struct suppressions *suppressions_of(const char *text)
{
    char path[] = "/tmp/rep_text.XXXXXX";
    int fd = mkstemp(path);
    ck_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    struct suppressions *s = suppressions_read(path);
    unlink(path);
    return s;
}

START_TEST(suppressions)
{
    static const struct {
        const char *text;
        bool race, cycle;
    } cases[] = {
        {"# nothing\n\n", false, false},
        {"race:deposit", true, false},
        {"race:^deposit$\n", true, false},
        {"race:^eposit", false, false},
        {"race:deposi$", false, false},
        {"race:bank.c", true, false},
        {"race:d*t\r\n", true, false},
        {"race:^/src/*.c$", true, false},
        {"race:main", false, false}, /* of the creation, not of the accesses */
        {"race:bank.accounts", true, false},
        {"race_top:worker", false, false},
        {"race_top:balance", true, false},
        {"deadlock:forth", false, true},
        {"lockorder:b.mu", false, true},
        {"leak:*\nmisuse:*", false, false},
        {"race:*", true, false},
    };
    struct arena a = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct suppressions *s = suppressions_of(cases[i].text);
        ck_assert_msg(suppressions_match(s, race(&a, 1, 20)) == cases[i].race, "%s", cases[i].text);
        ck_assert_msg(suppressions_match(s, cycle(&a)) == cases[i].cycle, "%s", cases[i].text);
    }
    arena_free(&a);
}
END_TEST

static void bad_suppression(void *text)
{
    suppressions_of(text);
}

START_TEST(bad_suppressions)
{
    struct unit_end end;
    unit_child(&end, bad_suppression, "race:a\nrcae:b\n", 10);
    unit_assert_end(&end, 125, ":2: expected KIND:PATTERN");
    unit_child(&end, bad_suppression, "race:\n", 10);
    unit_assert_end(&end, 125, ":1: expected KIND:PATTERN");
}
END_TEST

START_TEST(limits_and_prefix)
{
    struct options o;
    char *argv[] = {"--max-reports=1", "--strip_path_prefix", "/src/", "--gen-suppressions"};
    options_init(&o);
    ck_assert_int_eq(options_parse(&o, 4, argv, 0, RUN, "run"), 4);
    struct reading r;
    reading_start(&r, &o, "text");
    findings_add(&r.all, race(&r.all.arena, 1, 20));
    findings_add(&r.all, cycle(&r.all.arena));
    reading_end(&r, 66);
    ck_assert(strstr(r.text, "      bank.c:20 +0x3f\n"));
    ck_assert(strstr(r.text, "defined at bank.c:8\n"));
    ck_assert(strstr(r.text, "==================\nrace:^deposit$\n"));
    ck_assert(!strstr(r.text, "POTENTIAL"));
    ck_assert(strstr(r.text, "1 more finding(s) not printed (max_reports=1)\n"
                             "Found 1 data race(s)\nFound 1 potential deadlock(s)\n"));
    reading_free(&r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_contract,     the_same_once,    no_stack_no_location,
                                  lock_cycle,       other_formats,    suppressions,
                                  bad_suppressions, limits_and_prefix};
    unsetenv("GOCRACE");
    options_init(&options);
    return unit_main("rep_text", 60, tests, sizeof tests / sizeof *tests);
}
