/* rep_options.c - every option from both places; bad ones; the manual says what the table says. */
#include "common.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

static int parse(struct options *o, const char *env, const char *const *argv)
{
    int n = 0;
    while (argv[n])
        n++;
    if (env)
        setenv("GOCRACE", env, 1);
    else
        unsetenv("GOCRACE");
    options_init(o);
    return options_parse(o, n, (char **)argv, 0, RUN, "run");
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(defaults)
{
    struct options o;
    ck_assert_int_eq(parse(&o, NULL, ARGS("prog", "--not-ours")), 0);
    ck_assert_int_eq(o.exitcode, 66);
    ck_assert_str_eq(o.log_path, "stderr");
    ck_assert_str_eq(o.format, "text");
    ck_assert_str_eq(o.detect, "race,deadlock,lockorder,leak,misuse");
    ck_assert_str_eq(options_env(&o), "");
}
END_TEST

START_TEST(both_places)
{
    struct options o;
    int i = parse(&o, " exitcode=3 log_path='a b'  halt_on_error detect=race,leak timeout=250ms",
                  ARGS("--exitcode=9", "--output", "json:x", "-output=sarif:y", "--history-size", "4",
                       "--", "--exitcode=1"));
    ck_assert_int_eq(i, 7);
    ck_assert_int_eq(o.exitcode, 9);
    ck_assert_str_eq(o.log_path, "a b");
    ck_assert_int_eq(o.halt_on_error, 1);
    ck_assert(o.timeout == 0.25);
    ck_assert_uint_eq(o.output.n, 2);
    ck_assert_str_eq(o.output.v[1], "sarif:y");
    ck_assert_str_eq(options_env(&o), "exitcode=9 halt_on_error=1 history_size=4 detect=race,leak timeout=0.25");
}
END_TEST

static const struct {
    const char *env, *arg, *says;
} bad[] = {
    {NULL, "--nonsense", "goc-race: unknown option '--nonsense'"},
    {NULL, "--nonsense=1", "unknown option"},
    {NULL, "-x", "unknown option '-x'"},
    {NULL, "--exitcode=256", "exitcode=256: expected a number from 0 to 255"},
    {NULL, "--exitcode=", "expected a number"},
    {NULL, "--exitcode=6x", "expected a number"},
    {NULL, "--exitcode", "needs a value"},
    {NULL, "--format=xml", "expected text|json|sarif|junit|github|man|html"},
    {NULL, "--output=json", "expected FORMAT:FILE"},
    {NULL, "--output=pdf:x", "expected FORMAT:FILE"},
    {NULL, "--detect=race,rice", "detect=race,rice"},
    {NULL, "--detect=", "detect="},
    {NULL, "--timeout=-1", "expected seconds"},
    {NULL, "--timeout=1w", "expected seconds"},
    {NULL, "--halt_on_error=maybe", "expected 0 or 1"},
    {NULL, "--suppressions=/no/such/file", "/no/such/file: No such file or directory"},
    {NULL, "--baseline=/no/such/file", "No such file"},
    {"nonsense=1", "prog", "goc-race: GOCRACE: unknown option 'nonsense'"},
    {"exitcode", "prog", "GOCRACE: exitcode needs a value"},
    {"exitcode=x", "prog", "GOCRACE: exitcode=x: expected a number"},
};

static void parse_bad(void *arg)
{
    struct options o;
    size_t i = *(size_t *)arg;
    parse(&o, bad[i].env, ARGS(bad[i].arg));
}

START_TEST(bad_ones)
{
    struct unit_end end;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unit_child(&end, parse_bad, &i, 10);
        unit_assert_end(&end, 125, bad[i].says);
        ck_assert_msg(strchr(end.text, '\n') == end.text + end.len - 1, "more than a line: %s",
                      end.text);
    }
}
END_TEST

/* The manual pages hold the list that the table writes. */
START_TEST(manual)
{
    static const struct {
        const char *path;
        int where;
    } pages[] = {{"man/goc-race.1", RUN},
                 {"man/goc-race-report.1", REPORT},
                 {"man/goc-race-explore.1", EXPLORE}};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        char *text, *list;
        size_t n;
        text = read_whole(pages[i].path, NULL);
        if (!text)
            continue; /* run from elsewhere */
        FILE *f = open_memstream(&list, &n);
        options_man(f, pages[i].where);
        fclose(f);
        ck_assert_msg(strstr(text, list) != NULL, "%s does not hold:\n%s", pages[i].path, list);
        free(text);
        free(list);
    }
}
END_TEST

UNIT_MAIN("rep_options", 60, defaults, both_places, bad_ones, manual)
