/* SPDX-License-Identifier: GPL-2.0 */
/* The words that shells offer for a command line of vuserctl. */
#ifndef VUSERCTL_COMPLETION_H
#define VUSERCTL_COMPLETION_H

#include "ctl.h"

/**
 * completion_print - print the words for the last word of a command line
 * @common: options that all commands take
 * @commands: the commands
 * @nr: number of commands
 * @nr_words: number of @words
 * @words: the words after the name of the program
 */
void completion_print(const struct opt *common,
		      const struct command *const *commands, size_t nr,
		      int nr_words, char **words);

#endif /* VUSERCTL_COMPLETION_H */
