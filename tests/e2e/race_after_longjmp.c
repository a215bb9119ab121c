// status: 66
/* Functions left by longjmp, siglongjmp and a recovered panic are not on the stack any more: the
   earlier access's stack is the two functions it was made in, after a thousand such exits. */
#include <goc.h>
#include <setjmp.h>
#include "turns.h"

static jmp_buf plain;
static sigjmp_buf with_mask;
int shared;

__attribute__((noinline)) static void jump(int depth)
{
    if (depth)
        jump(depth - 1);
    else
        longjmp(plain, 1);
    __asm__("");
}

__attribute__((noinline)) static void jump_with_mask(int depth)
{
    if (depth)
        jump_with_mask(depth - 1);
    else
        siglongjmp(with_mask, 1);
    __asm__("");
}

__attribute__((noinline)) static void fail(void *arg)
{
    goc_panic("again");
}

__attribute__((noinline)) static void store(int value)
{
    shared = value;
}

static void early(void)
{
    for (volatile int i = 0; i < 1000; i++) {
        if (setjmp(plain) == 0)
            jump(5);
        if (sigsetjmp(with_mask, 1) == 0)
            jump_with_mask(5);
        goc_pcall(fail, NULL);
    }
    store(1);
}

static void late(void)
{
    until_left(2);
    goc_sleep(GOC_MILLISECOND);
    store(2);
}

int main(void)
{
    go(early);
    go(late);
    until_left(1);
    return 0;
}
