/* A scan over bytes: words, lines and letters of a text. */
#include "cpu.h"

enum { LEN = 1 << 17 };
static char *text;

static void prepare(void)
{
    static const char words[] = "the quick brown fox\njumps over the lazy dog ";
    text = malloc(LEN);
    for (int i = 0; i < LEN; i++)
        text[i] = words[i % (sizeof words - 1)];
}

static long work(long n)
{
    long words = 0, lines = 0, letters = 0;
    while (n--) {
        int in_word = 0;
        for (long i = 0; i < LEN; i++) {
            char c = text[i];
            if (c == '\n')
                lines++;
            if (c == ' ' || c == '\n') {
                in_word = 0;
            } else {
                letters++;
                words += !in_word;
                in_word = 1;
            }
        }
    }
    return words + lines + letters;
}
