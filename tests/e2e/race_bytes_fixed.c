// status: 0
/* Neighbours in one word, each its own goroutine's: nothing is shared. */
#include <goc.h>
#include <stdint.h>

static struct {
    uint8_t a, b;
    uint16_t c;
    uint32_t d;
} word;

static void set(int which)
{
    for (int i = 0; i < 100; i++) {
        switch (which) {
        case 0:
            word.a++;
            break;
        case 1:
            word.b++;
            break;
        case 2:
            word.c++;
            break;
        case 3:
            word.d++;
            break;
        }
        goc_gosched();
    }
}

int main(void)
{
    goc_waitgroup wg = {0};
    for (int i = 0; i < 4; i++)
        goc_waitgroup_go(&wg, set, i);
    goc_waitgroup_wait(&wg);
    return word.a != 100 || word.b != 100 || word.c != 100 || word.d != 100;
}
