/*
 * Context: cancel, timeout, deadline, value. It carries the wish to stop down a tree of calls. Cancelling a
 * parent cancels its children; a child's end leaves the parent alone.
 */
#include <errno.h>
#include <goc.h>
#include <stdio.h>

static const char *reason(goc_context *ctx)
{
    switch (goc_context_err(ctx)) {
    case 0:
        return "going on";
    case ECANCELED:
        return "cancelled";
    case ETIMEDOUT:
        return "deadline exceeded";
    }
    return "?";
}

static void job(goc_context *ctx, goc_waitgroup *wg, const char **why)
{
    if (goc_select(goc_on_timeout(GOC_MINUTE), goc_on_recv(goc_context_done(ctx), NULL)) == 1)
        *why = reason(ctx);
    goc_waitgroup_done(wg);
}

int main(void)
{
    static const char user[] = "user";
    const char *why[2] = {0};
    goc_context *root = goc_with_value(goc_background(), user, "gopher");
    goc_context *call = goc_with_cancel(root);
    goc_context *hurried = goc_with_timeout(call, 10 * GOC_MILLISECOND);

    goc_waitgroup wg = {0};
    goc_waitgroup_add(&wg, 2);
    go(job, hurried, &wg, &why[0]);
    go(job, call, &wg, &why[1]);

    goc_recv(goc_context_done(hurried));
    printf("the child: %s, its parent: %s\n", reason(hurried), reason(call));
    goc_cancel(call);
    goc_waitgroup_wait(&wg);
    printf("the jobs: %s, %s\n", why[0], why[1]);
    printf("the value: %s\n", (const char *)goc_context_value(hurried, user));

    goc_context *dated = goc_with_deadline(root, goc_now() + 5 * GOC_MILLISECOND);
    goc_recv(goc_context_done(dated));
    printf("the deadline: %s\n", reason(dated));

    goc_context_free(dated);
    goc_context_free(hurried);
    goc_context_free(call);
    goc_context_free(root);
}
