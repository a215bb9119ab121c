/* A sum that keeps many registers busy, general and vector: a wrong one shows in it. */
#ifndef MIX_H
#define MIX_H

static double mix(long rounds, double seed)
{
    double a = seed, b = seed * 3, c = 1, d = 7, e = 0.5, f = seed / 3;
    long x = 1, y = 2, z = 3, w = 5;
    for (long i = 0; i < rounds; i++) {
        a = a * 1.0000001 + b;
        b = b * 0.9999999 + c;
        c = (c + d) * 0.5;
        d = d * 0.99 + e;
        e = e + 1e-9 * f;
        f = f * 1.00000001;
        x = x * 3 + y;
        y ^= z + i;
        z += w >> 3;
        w = w * 5 + (x > y);
    }
    return a + b + c + d + e + f + (double)(x ^ y ^ z ^ w);
}

#endif
