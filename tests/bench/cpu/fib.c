/* Calls: the naive Fibonacci. */
#include "cpu.h"

static void prepare(void)
{
}

static __attribute__((noinline)) long fib(long n)
{
    if (n < 2)
        return n;
    long a = fib(n - 1);
    __asm__ volatile(""); /* so that the compiler leaves both calls alone */
    return a + fib(n - 2);
}

static long work(long n)
{
    long s = 0;
    while (n--)
        s += fib(20);
    return s;
}
