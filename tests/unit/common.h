/*
 * common.h - what every unit test shares: the main function, and running code in a process of its
 * own whose end and words are looked at.
 */
#ifndef UNIT_COMMON_H
#define UNIT_COMMON_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Run the tests in this order, each in a process of its own (CK_FORK=no: in this one, for a
   debugger), each bounded by `seconds`. UNIT_ONLY=word runs those whose name contains the word. */
int unit_main(const char *suite, double seconds, const TTest *const *tests, size_t n);

#define UNIT_MAIN(suite, seconds, ...)                                                             \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *tests[] = {__VA_ARGS__};                                                      \
        return unit_main(suite, seconds, tests, sizeof tests / sizeof *tests);                     \
    }

/* How a process ended and what it said. */
struct unit_end {
    int status;      /* exit status, or -1 */
    int signal;      /* that killed it, or 0 */
    bool timed_out;  /* it was killed for running too long; signal is SIGKILL then */
    char text[1 << 16]; /* standard output and error together, terminated */
    size_t len;
};

/* Call fn(arg) in a forked child, then exit(0). Meant for what ends a program: fatal errors,
   panics, exit paths. The caller must not have started a goroutine in this process. */
void unit_child(struct unit_end *end, void (*fn)(void *), void *arg, double seconds);

/* The same for a program: argv[0] is looked for in PATH, env is "NAME=value" … NULL, or NULL. */
void unit_exec(struct unit_end *end, const char *const *argv, const char *const *env,
               double seconds);

/* Assert that the process ended with this status and that its words contain this text. */
#define unit_assert_end(end, want, words)                                                          \
    do {                                                                                           \
        ck_assert_msg((end)->status == (want), "status %d, signal %d, want %d; it said:\n%s",      \
                      (end)->status, (end)->signal, (want), (end)->text);                          \
        ck_assert_msg(unit_contains((end)->text, (words)), "no \"%s\" in:\n%s", (words),           \
                      (end)->text);                                                                \
    } while (0)
bool unit_contains(const char *text, const char *words);

/* What ends a program, and the words it says. With the detector (the files named _race) most ends are
   findings as well, and the status says so. */
#ifndef ENDS_WITH_FINDING
#define ENDS_WITH_FINDING 2
#endif
struct unit_ending {
    void (*fn)(void *);
    const char *words;
};
/* The test `ends_with`: each of the array's ends, with its status and words. */
#define UNIT_ENDS_WITH(endings)                                                                    \
    START_TEST(ends_with)                                                                          \
    {                                                                                              \
        static struct unit_end end;                                                                \
        for (size_t i = 0; i < sizeof(endings) / sizeof *(endings); i++) {                         \
            unit_child(&end, (endings)[i].fn, NULL, 10);                                           \
            unit_assert_end(&end, end.status == ENDS_WITH_FINDING ? end.status : 2,                \
                            (endings)[i].words);                                                   \
        }                                                                                          \
    }                                                                                              \
    END_TEST

/* For tests of what must hold with one P, two, eight: the block after it is run with each. */
#define AT_ALL_PS for (int ps[] = {1, 2, 8, 0}, *p = ps; *p && (goc_gomaxprocs(*p), 1); p++)

/* A repeatable random sequence (xorshift64*); *state must not be 0. */
uint64_t unit_random(uint64_t *state);

/* The build folder the test runs from (the parent of the test's own folder). */
const char *unit_build(void);

/* Monotonic seconds. */
double unit_now(void);

#endif
