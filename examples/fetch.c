/*
 * Fetching several URLs one after the other, then all at once. A server on the loopback, in this
 * same program, stands in for the net and takes 20 ms for each answer: ten in a row take 200 ms,
 * ten at once a little more than 20. Every read and write parks its goroutine, never a thread.
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URLS = 10 };

static char address[64];

static void serve(int fd)
{
    char request[512];
    ssize_t n = goc_read(fd, request, sizeof request - 1);
    if (n > 0) {
        goc_sleep(20 * GOC_MILLISECOND); /* the way there and back */
        static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
        goc_write(fd, answer, sizeof answer - 1);
    }
    goc_close_fd(fd);
}

static void server(int listener)
{
    for (;;) {
        int fd = goc_accept(listener, NULL, NULL);
        if (fd < 0)
            return;
        go(serve, fd);
    }
}

static int fetch(int page)
{
    int fd = goc_dial("tcp", address, GOC_SECOND);
    if (fd < 0)
        return -1;
    char text[512];
    int len = snprintf(text, sizeof text, "GET /%d HTTP/1.0\r\n\r\n", page);
    int total = 0;
    if (goc_write(fd, text, len) == len) {
        ssize_t n;
        while ((n = goc_read(fd, text, sizeof text)) > 0)
            total += (int)n;
    }
    goc_close_fd(fd);
    return total;
}

static void fetch_to(int page, goc_send_chan(int) out)
{
    goc_send(out, fetch(page));
}

int main(void)
{
    int listener = goc_listen("tcp", "127.0.0.1:0");
    if (listener < 0 || goc_local_addr(listener, address, sizeof address) < 0) {
        perror("listen");
        return 1;
    }
    go(server, listener);

    int bytes = 0;
    goc_time start = goc_now();
    for (int i = 0; i < URLS; i++)
        bytes += fetch(i);
    goc_duration in_a_row = goc_now() - start;

    goc_chan(int) out = goc_chan_make(int, 0);
    start = goc_now();
    for (int i = 0; i < URLS; i++)
        go(fetch_to, i, out);
    for (int i = 0; i < URLS; i++)
        bytes -= goc_recv(out);
    goc_duration at_once = goc_now() - start;

    goc_close_fd(listener);
    printf("in a row %d ms, at once %d ms\n", (int)(in_a_row / GOC_MILLISECOND),
           (int)(at_once / GOC_MILLISECOND));
    return bytes != 0;
}
