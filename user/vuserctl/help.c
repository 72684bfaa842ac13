// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>

#include "help.h"
#include "output.h"
#include "settings.h"

void help_print(FILE *to, const struct opt *common,
		const struct command *const *commands, size_t nr)
{
	size_t i;

	fputs("usage: vuserctl [-j] COMMAND ...\n\n", to);
	option_print(to, common);
	fputs("\nCommands:\n", to);
	for (i = 0; i < nr; i++)
		fprintf(to, "  %s%s%s%s%s\n           %s\n", commands[i]->name,
			commands[i]->options ? " [OPTION]..." : "",
			commands[i]->settings ? " [SETTING]..." : "",
			*commands[i]->operands ? " " : "",
			commands[i]->operands, commands[i]->what);
	fputs("\n"
	      "DEVICE is a UUID or a PCI address. See vuserctl COMMAND --help and\n"
	      "vuserctl(8).\n",
	      to);
}

static void add_options(struct json_object *array, const struct opt *table)
{
	struct json_object *object;
	char letter[2] = "";

	for (; table && table->name; table++) {
		object = json_object_new_object();
		output_add_string(object, "name", table->name);
		letter[0] = table->key;
		if (table->key < 128 && isalpha(table->key))
			output_add_string(object, "short", letter);
		if (table->arg)
			output_add_string(object, "argument", table->arg);
		output_add_string(object, "help", table->help);
		json_object_array_add(array, object);
	}
}

static struct json_object *command_json(const struct command *cmd)
{
	struct json_object *object = json_object_new_object();
	struct json_object *array = json_object_new_array();

	output_add_string(object, "name", cmd->name);
	output_add_string(object, "operands", cmd->operands);
	output_add_string(object, "help", cmd->what);
	add_options(array, cmd->options);
	add_options(array, cmd->settings ? settings_options : NULL);
	json_object_object_add(object, "options", array);
	return object;
}

void help_json(const struct opt *common, const struct command *const *commands,
	       size_t nr)
{
	struct json_object *object = json_object_new_object();
	struct json_object *array = json_object_new_array();
	size_t i;

	add_options(array, common);
	json_object_object_add(object, "options", array);
	array = json_object_new_array();
	for (i = 0; i < nr; i++)
		json_object_array_add(array, command_json(commands[i]));
	json_object_object_add(object, "commands", array);
	output_json(object, true);
}
