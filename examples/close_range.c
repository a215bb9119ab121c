/*
 * close, range, len, cap and comma-ok. Closing says that nothing more will come; what is in the
 * buffer is still received, then every receive gives the zero value at once. Sending on a closed
 * channel and closing it twice are panics.
 */
#include <goc.h>
#include <stdio.h>

int main(void)
{
    goc_chan(int) q = goc_chan_make(int, 4);
    for (int i = 1; i <= 3; i++)
        goc_send(q, i * i);
    goc_close(q);
    printf("len %zu cap %zu\n", (size_t)goc_len(q), (size_t)goc_cap(q));

    goc_range(v, q)
        printf("%d\n", v);

    int v = -1;
    bool ok = goc_recv_ok(q, &v);
    printf("v = %d, ok = %s\n", v, ok ? "true" : "false");
    goc_chan_free(q);
}
