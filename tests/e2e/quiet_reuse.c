// status: 0
// repeat: 5
/* Stacks and heap blocks go from one goroutine to the next: neither their accesses nor any order
   goes with them. */
#include <goc.h>
#include <stdlib.h>
#include <string.h>

static void use(goc_send_chan(long) out, long n)
{
    volatile char local[1024];
    for (size_t i = 0; i < sizeof local; i++)
        local[i] = (char)n;
    char *block = malloc(200);
    memset(block, (int)n, 200);
    long sum = local[5] + block[7];
    free(block);
    goc_send(out, sum);
}

int main(void)
{
    goc_chan(long) out = goc_chan_make(long, 8);
    long sum = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 8; i++)
            go(use, out, (long)i);
        for (int i = 0; i < 8; i++)
            sum += goc_recv(out);
    }
    return sum != 50 * 2 * 28;
}
