// SPDX-License-Identifier: GPL-2.0
/* The words that a program offers for the completion of its command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/complete.h"
#include "../harness.h"

static const struct opt table[] = {
	{ "mode", 'm', "auto|never|id=N", false, "how" },
	{ "path", 'p', "PATH", false, "where" },
	{ "user", 'u', "USER|any", false, "who" },
	{ "special", 's', "STATE", false, "which" },
	{ "wait", 'w', "SECONDS", true, "how long" },
	{},
};

static bool offer_state(const struct opt *opt, const char *word)
{
	if (strcmp(opt->arg, "STATE"))
		return false;
	complete_offer(word, "open", NULL);
	return true;
}

static void offer_operand(const char *word)
{
	complete_offer(word, "operand", "what");
}

static const struct completion completion = {
	.tables = { NULL, table },
	.argument = offer_state,
	.operand = offer_operand,
};

/* What complete_words() prints for the words, which end with NULL. */
static const char *offers(char **words)
{
	static char text[1024];
	int saved = dup(STDOUT_FILENO), nr = 0;
	FILE *file = tmpfile();
	size_t len;

	require(file && saved >= 0);
	while (words[nr])
		nr++;
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	complete_words(&completion, nr, words);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

#define OFFERS(...) offers((char *[]) { __VA_ARGS__, NULL })

TEST(options_that_begin_with_the_word_are_offered)
{
	check(!strcmp(OFFERS("--"), "--mode\thow\n--path\twhere\n--user\twho\n"
				    "--special\twhich\n--wait\thow long\n"));
	check(!strcmp(OFFERS("--pa"), "--path\twhere\n"));
	check(!strcmp(OFFERS("--none"), ""));
}

TEST(values_of_an_option_are_offered)
{
	check(!strcmp(OFFERS("--mode", ""), "auto\nnever\n"));
	check(!strcmp(OFFERS("-m", "n"), "never\n"));
	check(!strcmp(OFFERS("--path", "/x"), ":files\n"));
	check(!strcmp(OFFERS("--user", ""), "any\n:users\n"));
	check(!strcmp(OFFERS("--special", ""), "open\n"));
}

TEST(operands_are_offered_where_no_value_is_due)
{
	check(!strcmp(OFFERS(""), "operand\twhat\n"));
	check(!strcmp(OFFERS("--mode", "auto", "o"), "operand\twhat\n"));
	check(!strcmp(OFFERS("--wait", "o"), "operand\twhat\n"));
	check(!strcmp(OFFERS("--", "--mode", "o"), "operand\twhat\n"));
	check(!strcmp(OFFERS("x"), ""));
}
