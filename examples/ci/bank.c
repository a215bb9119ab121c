/*
 * A small pthread program for the build-system snippets beside it: two tellers add to one account.
 * Built with -DRACY it forgets the lock, and goc-race says so.
 */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static long balance;

static void *teller(void *arg)
{
    for (int i = 0; i < 1000; i++) {
#ifndef RACY
        pthread_mutex_lock(&mu);
#endif
        balance++;
#ifndef RACY
        pthread_mutex_unlock(&mu);
#endif
    }
    return NULL;
}

int main(void)
{
    pthread_t t[2];

    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, teller, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("balance %ld\n", balance);
    return 0;
}
