// status: 66
// says: all as it should be
/* What is printed to a stream on memory is in the memory after fflush and fclose; what is read from one
   was read there. */
#define _GNU_SOURCE
#include "turns.h"
#include <goc/race.h>
#include <pthread.h>
#include <wchar.h>

char *grown, box[64], text[64] = "one two three";
static wchar_t *wide;
static size_t size, wide_size;
__attribute__((unused)) static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static void lock(void)
{
#ifdef FIXED
    pthread_mutex_lock(&mu);
#endif
}
static void unlock(void)
{
#ifdef FIXED
    pthread_mutex_unlock(&mu);
#endif
}

static void *other(void *arg)
{
    lock();
    FILE *f = open_memstream(&grown, &size);
    fprintf(f, "%d", 12345);
    fclose(f);
    f = open_wmemstream(&wide, &wide_size);
    fputws(L"wide", f);
    fclose(f);
    f = fmemopen(box, sizeof box, "w");
    fputs("abc", f);
    fflush(f);
    f = fmemopen(text, 13, "r");
    char word[8];
    fscanf(f, "%7s", word);
    fclose(f);
    unlock();
    turn_done();
    return arg;
}

static long before;
static void want(const char *what, int found)
{
#ifdef FIXED
    found = 0;
#endif
    long now = goc_race_errors();
    if (now - before != found)
        printf("%s: %ld findings\n", what, now - before), exit(9);
    before = now;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, other, NULL);
    turn_await(1);
    lock();
    char *g = grown;
    want("the pointer", 1);
    size_t n = size;
    want("the size", 1);
    char c = ((volatile char *)g)[n - 1];
    want("its last byte", 1);
    wchar_t w = ((volatile wchar_t *)wide)[3];
    want("the wide pointer, and what it points at", 2);
    w += ((volatile char *)box)[1];
    want("what was written", 1);
    box[3] = 1;
    want("the zero after what was written", 1);
    box[4] = 1;
    want("what was not written", 0);
    text[2] = 1;
    want("what was read", 1);
    text[12] = 1;
    unlock();
    pthread_join(t, NULL);
    return c && w ? puts("all as it should be"), 0 : 1;
}
