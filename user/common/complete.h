/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Completion for shells: `PROGRAM --complete WORD...` prints the words that can take the
 * place of the last WORD, one a line, each followed by a tab and a description if it has
 * one. A line of ":files", ":users" or ":programs" stands for the words that the shell
 * itself knows.
 */
#ifndef COMMON_COMPLETE_H
#define COMMON_COMPLETE_H

#include "option.h"

/* The first argument of a program that is asked for words. */
#define COMPLETE_ARG "--complete"

/* The number of tables of one command line. */
#define COMPLETE_TABLES 3

/**
 * struct completion - what a command line can consist of
 * @tables: tables of options; NULL for none
 * @argument: offers the values of an option, and returns true, if it knows them; or NULL
 * @operand: offers operands; or NULL
 */
struct completion {
	const struct opt *tables[COMPLETE_TABLES];
	bool (*argument)(const struct opt *opt, const char *word);
	void (*operand)(const char *word);
};

/* Whether a program is asked for words. */
bool complete_wanted(int argc, char **argv);

/**
 * complete_offer - print a word if it begins with the user's word
 * @word: what the user has typed so far
 * @offer: the whole word
 * @what: description, or NULL
 */
void complete_offer(const char *word, const char *offer, const char *what);

/*
 * Print the words for the last of @nr @words. The words follow the name of the program,
 * and of the command if it has commands.
 */
void complete_words(const struct completion *completion, int nr, char **words);

/* Find the option that takes the word at @index of @words as its argument, or NULL. */
const struct opt *complete_option(const struct completion *completion,
				  int index, char **words);

#endif /* COMMON_COMPLETE_H */
