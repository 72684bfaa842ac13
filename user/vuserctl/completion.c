// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "../common/complete.h"
#include "completion.h"
#include "settings.h"

static int offer_device(void *data, const struct vnl_dev *dev)
{
	char what[64];

	snprintf(what, sizeof(what), "%s, %s", vnl_name_state(dev->state),
		 dev->pci_address);
	complete_offer(data, dev->uuid, what);
	complete_offer(data, dev->pci_address, vnl_name_state(dev->state));
	return 0;
}

static void offer_devices(const char *word)
{
	struct vnl_sock nl;

	if (vnl_sock_open(&nl))
		return;
	vnl_dev_dump(&nl, offer_device, (void *)word);
	vnl_sock_close(&nl);
}

static void offer_file(const char *word)
{
	(void)word;
	puts(":files");
}

static void offer_program(const char *word)
{
	(void)word;
	puts(":programs");
}

static void (*const operands[])(const char *word) = {
	[CTL_DEVICES] = offer_devices,
	[CTL_FILE] = offer_file,
	[CTL_PROGRAM] = offer_program,
};

static bool offer_argument(const struct opt *opt, const char *word)
{
	int i;

	if (strcmp(opt->arg, "STATE"))
		return false;
	for (i = 0; i <= VUSER_STATE_MAX; i++)
		complete_offer(word, vnl_name_state(i), NULL);
	return true;
}

void completion_print(const struct opt *common,
		      const struct command *const *commands, size_t nr,
		      int nr_words, char **words)
{
	const char *word = nr_words ? words[nr_words - 1] : "";
	struct completion completion = { .tables = { common } };
	int at = 0;
	size_t i;

	while (at < nr_words - 1 && words[at][0] == '-')
		at++;
	if (at >= nr_words - 1 && *word == '-') {
		complete_words(&completion, nr_words, words);
		return;
	}
	for (i = 0; i < nr; i++) {
		const struct command *cmd = commands[i];

		if (at >= nr_words - 1) {
			complete_offer(word, cmd->name, cmd->what);
			continue;
		}
		/* "help" is followed by a command, too. */
		if (!strcmp(words[at], "help"))
			complete_offer(word, cmd->name, cmd->what);
		if (strcmp(words[at], cmd->name))
			continue;
		completion.tables[1] = cmd->options;
		completion.tables[2] = cmd->settings ? settings_options : NULL;
		completion.argument = offer_argument;
		completion.operand = operands[cmd->operand];
		complete_words(&completion, nr_words - at - 1, words + at + 1);
	}
	if (at >= nr_words - 1)
		complete_offer(word, "help", "show how a command is used");
}
