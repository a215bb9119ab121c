/* format.h - what several formats share: escaping, roles' words, source text. */
#ifndef FORMAT_H
#define FORMAT_H

#include "findings.h"

/* "…" with JSON's escapes; bytes that are not UTF-8 become U+FFFD. NULL is null. */
void json_string(FILE *f, const char *s);
/* XML and HTML text, without quotes; characters XML forbids are left out. */
void xml_text(FILE *f, const char *s);

/* "access", "previous", … for a role. */
const char *role_word(unsigned role);

/* A path as seen from where goc-race was started, if it is below it; else as it is. */
const char *path_here(const char *path);

/* The text report of one finding, without colours (text.c). */
void text_one(FILE *f, struct findings *all, struct finding *fi);
void text_frames(FILE *f, const struct stack *s);
/* The heading sentence of a part, as in the text report, without frames; with_frames tells whether
   its stack is printed after it. */
char *text_sentence(struct findings *all, const struct finding *f, const struct part *p,
                    bool *with_frames);
/* "Lock order cycle: 'a' -> 'b' -> 'a'"; NULL if there is none. */
char *text_cycle(struct findings *all, const struct finding *f);
/* The line about the locks held, without its end; NULL if nobody held any. */
char *text_mutexes(struct findings *all, const struct finding *f);

#endif
