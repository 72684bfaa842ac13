/* SPDX-License-Identifier: GPL-2.0 */
/* The settings of a device, which `create` and `set` take as options. */
#ifndef VUSERCTL_SETTINGS_H
#define VUSERCTL_SETTINGS_H

#include <linux/vuser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/option.h"

struct nl_msg;

enum setting {
	SET_ENDPOINT,
	SET_PCI_ADDRESS,
	SET_REQUEST_TIMEOUT_MS,
	SET_CLOSE_TIMEOUT_MS,
	SET_MAX_DMA_MAPS,
	SET_MMAP,
	SET_RESET,
	SET_PCI_SETUP,
	SET_DMA_BACKING,
	SET_DMA_HOLES,
	SET_SERVER_USER,
	SET_ON_LOSS,
	SET_RECONNECT_TIMEOUT_MS,
	SET_STATE_KEPT,
	NR_SETTINGS
};

/*
 * The value that option_next() returns for the first setting; above all
 * characters.
 */
#define SETTING_OPTION 256

/* The settings as options, in the order of enum setting. */
extern const struct opt settings_options[];

/**
 * struct settings - the settings that the user gives
 * @given: for each enum setting, whether it is given
 * @endpoint: absolute path, or "" for no endpoint
 * @pci_address: as the user gives it
 * @number: values of the other settings
 */
struct settings {
	bool given[NR_SETTINGS];
	char endpoint[VUSER_ENDPOINT_MAX + 1];
	const char *pci_address;
	uint32_t number[NR_SETTINGS];
};

/**
 * settings_parse - read one option
 * @set: where to put the setting
 * @option: return value of option_next()
 * @arg: argument of the option; @set may keep the pointer
 * @why: set to the reason after -EINVAL
 * @size: size of @why
 *
 * Return: 0; -ENOENT if @option is not a setting; -EINVAL if @arg is invalid.
 */
int settings_parse(struct settings *set, int option, const char *arg, char *why,
		   size_t size);

/*
 * Make the path of a server's socket absolute, since vuserd has another working directory.
 * @endpoint has @max bytes. Return: 0, or an errno after setting @why, of @size bytes.
 */
int settings_endpoint(const char *arg, char *endpoint, size_t max, char *why,
		      size_t size);

/* Read a number, which must be all of @arg; 0 or -EINVAL. */
int settings_number(const char *arg, uint32_t *number);

/* Whether the user gives any setting. */
bool settings_any(const struct settings *set);

/* Add the settings as attributes of dev-set; 0 or -EMSGSIZE. */
int settings_put(const struct settings *set, struct nl_msg *msg);

#endif /* VUSERCTL_SETTINGS_H */
