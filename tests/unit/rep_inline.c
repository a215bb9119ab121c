/* rep_inline.c - which lines of a compiler's assembly get the fast path in front of them. */
#include "common.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

static unsigned rewrite(const char *text, struct buf *b)
{
    *b = (struct buf){0};
    return inline_calls(text, b);
}

START_TEST(known)
{
    static const char *const lines[] = {
        "\tcall\t__tsan_read8@PLT\n",
        "\tcall\t__tsan_read1\n",
        "\tcallq\t__tsan_write2@PLT\n",
        "\tcall\t*__tsan_write4@GOTPCREL(%rip)\n",
        "\tcall\t__tsan_read16@PLT\t# x.c:3\n",
        "\tcall\t__tsan_write16@PLT   # \n",
        "\tcallq\t__tsan_unaligned_read8@PLT\n",
        "\tcallq\t__tsan_unaligned_volatile_write4@PLT\n",
        "\tcallq\t__tsan_read_write8@PLT\n",
        "\tcall\t__tsan_func_entry@PLT\n",
        "\tcall\t__tsan_read8@PLT", /* the last line, unended */
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct buf b;
        ck_assert_msg(rewrite(lines[i], &b) == 1, "not recognised: %s", lines[i]);
        /* The call itself stands there as it stood. */
        ck_assert_ptr_nonnull(strstr(b.s, lines[i]));
        ck_assert_ptr_nonnull(strstr(b.s, "goc_race_layout_"));
        buf_free(&b);
    }
}
END_TEST

START_TEST(left_alone)
{
    static const char *const texts[] = {
        "",
        "\n\n",
        "\tret\n",
        "call\n",
        "\tcall\n",
        "\tcall\t*%rax\n",
        "\tcall\t*__tsan_read8(%rip)\n",
        "\tjmp\t__tsan_read8@PLT\n",
        "\tjne\t__tsan_write8@PLT\n",
        "\tcall\t__tsan_read3@PLT\n",
        "\tcall\t__tsan_read80@PLT\n",
        "\tcall\t__tsan_read@PLT\n",
        "\tcall\t__tsan_read8_pc@PLT\n",
        "\tcall\t__tsan_read_range@PLT\n",
        "\tcall\t__tsan_vptr_read@PLT\n",
        "\tcall\t__tsan_atomic32_load@PLT\n",
        "\tcall\t__tsan_init@PLT\n",
        "\tcall\t__tsan_func_entry_more@PLT\n",
        "\tcall\tmy__tsan_read8@PLT\n",
        "\tcall\t__tsan_read8@PLT+4\n",
        "\t.string\t\"\\tcall\\t__tsan_read8\"\n",
        "# \tcall\t__tsan_read8\n",
        "#APP\n# 5 \"t.c\" 1\n\tcall\t__tsan_read8\n# 0 \"\" 2\n#NO_APP\n",
        "\t#APP\n\tcall\t__tsan_read8\n\t#NO_APP\n",
        "\t.intel_syntax noprefix\n\tcall\t__tsan_read8@PLT\n",
        "\t.code32\n\tcall\t__tsan_read8\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf b;
        ck_assert_msg(rewrite(texts[i], &b) == 0, "taken for a call: %s", texts[i]);
        ck_assert_str_eq(b.s ? b.s : "", texts[i]);
        buf_free(&b);
    }
}
END_TEST

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, word)); p++)
        n++;
    return n;
}

/* Labels are a call's own; nothing is pushed; what stood around stands there still. */
START_TEST(several)
{
    struct buf b;
    ck_assert_uint_eq(rewrite("f:\n\t.loc 1 2 3\n\tcall\t__tsan_read8@PLT\n.LVL1:\n"
                              "#APP\n\tcall __tsan_read8\n#NO_APP\n"
                              "\tcall\t__tsan_read8@PLT\n\tcall\t__tsan_func_exit@PLT\n\tret\n",
                              &b),
                      3);
    ck_assert_uint_eq(count(b.s, "\n.Lgoc_known1:\n.LVL1:\n"), 1);
    ck_assert_uint_eq(count(b.s, "\n.Lgoc_known2:\n"), 1);
    ck_assert_uint_eq(count(b.s, "\n.Lgoc_call1:\n\tcall\t__tsan_read8@PLT\n"), 1);
    ck_assert_uint_eq(count(b.s, "push"), 0);
    ck_assert_uint_eq(count(b.s, "\n.Lgoc_call3:\n\tcall\t__tsan_func_exit@PLT\n"), 1);
    ck_assert_uint_eq(count(b.s, "\t.loc 1 2 3\n"), 1);
    buf_free(&b);
    /* A jump to the function's exit is the return as well. */
    ck_assert_uint_eq(rewrite("\tjmp\t__tsan_func_exit@PLT\n", &b), 1);
    ck_assert_uint_eq(count(b.s, "\tret\n.Lgoc_call1:\n\tjmp\t__tsan_func_exit@PLT\n"), 1);
    buf_free(&b);
}
END_TEST

UNIT_MAIN("rep_inline", 60, known, left_alone, several)
