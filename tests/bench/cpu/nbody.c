/* Five bodies and their gravity. */
#include "cpu.h"
#include <math.h>

static struct body {
    double x[3], v[3], mass;
} body[5];

static void prepare(void)
{
    for (int i = 0; i < 5; i++)
        body[i] = (struct body){.x = {i * 2.0, i * i * 0.5, 1.0 / (i + 1)},
                                .v = {0, 0.1 * i, 0},
                                .mass = 1.0 / (1 + i)};
}

static void step(double dt)
{
    for (int i = 0; i < 5; i++)
        for (int j = i + 1; j < 5; j++) {
            double d[3], dist = 0.01;
            for (int k = 0; k < 3; k++) {
                d[k] = body[i].x[k] - body[j].x[k];
                dist += d[k] * d[k];
            }
            double mag = dt / (dist * sqrt(dist));
            for (int k = 0; k < 3; k++) {
                body[i].v[k] -= d[k] * body[j].mass * mag;
                body[j].v[k] += d[k] * body[i].mass * mag;
            }
        }
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 3; k++)
            body[i].x[k] += dt * body[i].v[k];
}

static long work(long n)
{
    for (long i = 0; i < n * 100; i++)
        step(0.001);
    return (long)body[0].x[0];
}
