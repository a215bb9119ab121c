// status: 66
// procs: 1
// repeat: 5
/* A library's own "last error", one for all: what errno would be if it were not each goroutine's. */
#include <goc.h>

static int last_error;

static void fails(int code)
{
    for (int i = 0; i < 10; i++) {
        last_error = code;
        goc_gosched();
    }
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, fails, 1);
    goc_waitgroup_go(&wg, fails, 2);
    goc_waitgroup_wait(&wg);
    return last_error == 0;
}
