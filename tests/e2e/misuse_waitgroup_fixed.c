// status: 0
/* A WaitGroup used again, round after round. */
#include <goc.h>

static void nothing(void)
{
}

int main(void)
{
    goc_waitgroup wg = {0};
    for (int i = 0; i < 100; i++) {
        goc_waitgroup_go(&wg, nothing);
        goc_waitgroup_go(&wg, nothing);
        goc_waitgroup_wait(&wg);
    }
}
