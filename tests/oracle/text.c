/* text.c - a program as text: a line of settings, then a line for each operation. */
#include "prog.h"
#include <stdio.h>
#include <string.h>

const char *const op_name[OP_COUNT] = {
#define X(n) #n,
#include "ops.def"
#undef X
};

void program_write(const struct shared *s, void *file)
{
    FILE *f = file;
    fprintf(f, "seed %llu par %u arena %u inst %u drain %u bodies %u\n",
            (unsigned long long)s->seed, s->par, s->arena, s->max_inst, s->drain, s->nbodies);
    fprintf(f, "cap");
    for (int i = 0; i < N_CHAN; i++)
        fprintf(f, " %u", s->cap[i]);
    fprintf(f, "\nsem");
    for (int i = 0; i < N_SEM; i++)
        fprintf(f, " %u", s->sem_size[i]);
    fputc('\n', f);
    for (uint32_t i = 0; i < s->nops; i++) {
        const struct op *o = &s->op[i];
        fprintf(f, "%u %s %d %d %d %d\n", o->body, op_name[o->kind], o->a, o->b, o->c, o->d);
    }
}

bool program_read(struct shared *s, void *file)
{
    FILE *f = file;
    memset(s, 0, offsetof(struct shared, ev));
    unsigned long long seed;
    if (fscanf(f, " seed %llu par %u arena %u inst %u drain %u bodies %u cap", &seed, &s->par,
               &s->arena, &s->max_inst, &s->drain, &s->nbodies) != 6)
        return false;
    s->seed = seed;
    for (int i = 0; i < N_CHAN; i++)
        if (fscanf(f, "%u", &s->cap[i]) != 1)
            return false;
    if (fscanf(f, " sem") != 0)
        return false;
    for (int i = 0; i < N_SEM; i++)
        if (fscanf(f, "%u", &s->sem_size[i]) != 1)
            return false;
    if (s->arena == 0 || s->arena > ARENA || s->max_inst > MAX_INST || s->nbodies > MAX_BODIES)
        return false;
    unsigned body;
    char name[16];
    int a, b, c, d;
    while (fscanf(f, "%u %15s %d %d %d %d", &body, name, &a, &b, &c, &d) == 6) {
        int k = 0;
        while (k < OP_COUNT && strcmp(op_name[k], name))
            k++;
        if (k == OP_COUNT || body >= s->nbodies || s->nops == MAX_OPS)
            return false;
        s->op[s->nops++] = (struct op){(uint16_t)k, (uint16_t)body, a, b, c, d};
    }
    return feof(f);
}
