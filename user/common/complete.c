// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "complete.h"

#define VALUE_MAX 64

bool complete_wanted(int argc, char **argv)
{
	return argc > 1 && !strcmp(argv[1], COMPLETE_ARG);
}

void complete_offer(const char *word, const char *offer, const char *what)
{
	if (strncmp(word, offer, strlen(word)))
		return;
	printf(what ? "%s\t%s\n" : "%s\n", offer, what);
}

static const struct opt *find(const struct completion *completion,
			      const char *word, size_t len)
{
	const struct opt *opt;
	int i;

	if (len < 2 || word[0] != '-')
		return NULL;
	for (i = 0; i < COMPLETE_TABLES; i++)
		for (opt = completion->tables[i]; opt && opt->name; opt++) {
			if (word[1] != '-' && len == 2 && opt->key == word[1])
				return opt;
			if (word[1] == '-' && strlen(opt->name) == len - 2 &&
			    !strncmp(opt->name, word + 2, len - 2))
				return opt;
		}
	return NULL;
}

const struct opt *complete_option(const struct completion *completion,
				  int index, char **words)
{
	const struct opt *opt = NULL;

	if (index > 0)
		opt = find(completion, words[index - 1],
			   strlen(words[index - 1]));
	return opt && opt->arg && !opt->optional ? opt : NULL;
}

/* Offer the words without capitals of "word|word|OTHER". */
static void offer_values(const char *arg, const char *word)
{
	char value[VALUE_MAX];
	size_t len, i;

	for (; *arg; arg += len + (arg[len] == '|')) {
		len = strcspn(arg, "|");
		for (i = 0; i < len && !isupper((unsigned char)arg[i]); i++)
			;
		if (i < len || len >= sizeof(value))
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)len, arg);
		complete_offer(word, value, NULL);
	}
}

static void offer_argument(const struct completion *completion,
			   const struct opt *opt, const char *word)
{
	if (completion->argument && completion->argument(opt, word))
		return;
	offer_values(opt->arg, word);
	if (strstr(opt->arg, "PATH") || strstr(opt->arg, "FILE") ||
	    strstr(opt->arg, "DIR"))
		puts(":files");
	if (strstr(opt->arg, "USER"))
		puts(":users");
}

static void offer_options(const struct completion *completion, const char *word)
{
	const struct opt *opt;
	char name[VALUE_MAX];
	int i;

	for (i = 0; i < COMPLETE_TABLES; i++)
		for (opt = completion->tables[i]; opt && opt->name; opt++) {
			snprintf(name, sizeof(name), "--%s", opt->name);
			complete_offer(word, name, opt->help);
		}
}

void complete_words(const struct completion *completion, int nr, char **words)
{
	const char *word = nr ? words[nr - 1] : "";
	const struct opt *opt;
	int i;

	for (i = 0; i < nr - 1; i++)
		if (!strcmp(words[i], "--"))
			break;
	opt = i < nr - 1 ? NULL : complete_option(completion, nr - 1, words);
	if (opt)
		offer_argument(completion, opt, word);
	else if (*word == '-' && i >= nr - 1)
		offer_options(completion, word);
	else if (completion->operand)
		completion->operand(word);
}
