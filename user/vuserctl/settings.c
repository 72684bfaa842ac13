// SPDX-License-Identifier: GPL-2.0
/* The settings of a device: from options to attributes. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netlink/attr.h>

#include "../netlink/name.h"
#include "settings.h"

#define SETTING(name, nr, arg, help) \
	[nr] = { name, SETTING_OPTION + (nr), arg, false, help }

const struct opt settings_options[] = {
	SETTING("endpoint", SET_ENDPOINT, "PATH",
		"socket of the server; empty for none"),
	SETTING("pci-address", SET_PCI_ADDRESS, "ADDRESS",
		"PCI address by which programs open the device"),
	SETTING("request-timeout-ms", SET_REQUEST_TIMEOUT_MS, "N",
		"time in which the server must reply to a message"),
	SETTING("close-timeout-ms", SET_CLOSE_TIMEOUT_MS, "N",
		"time in which the server must do all of a close"),
	SETTING("max-dma-maps", SET_MAX_DMA_MAPS, "N",
		"maximum number of DMA regions; 0 for the limit of the server"),
	SETTING("mmap", SET_MMAP, "auto|trap|sparse",
		"how programs may map the regions"),
	SETTING("reset", SET_RESET, "auto|never",
		"whether the server is asked to reset the device"),
	SETTING("pci-setup", SET_PCI_SETUP, "auto|never",
		"whether the kernel sets up the device like firmware does"),
	SETTING("dma-backing", SET_DMA_BACKING, "auto|memory|file",
		"what the server gets for memory that is mapped for DMA"),
	SETTING("dma-holes", SET_DMA_HOLES, "scratch|fault",
		"what the server sees where nothing is mapped"),
	SETTING("server-user", SET_SERVER_USER, "USER|any",
		"the only user who may run the server"),
	SETTING("on-loss", SET_ON_LOSS, "fail|wait|ones",
		"what the program sees while an open device has no server"),
	SETTING("reconnect-timeout-ms", SET_RECONNECT_TIMEOUT_MS, "N",
		"time that accesses wait for another server with --on-loss wait"),
	SETTING("state-kept", SET_STATE_KEPT, "no|yes",
		"whether the device has its state when its server is back"),
	[NR_SETTINGS] = {},
};

int settings_number(const char *arg, uint32_t *number)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(arg, &end, 0);
	if (errno || !isdigit((unsigned char)*arg) || *end ||
	    value > UINT32_MAX)
		return -EINVAL;
	*number = value;
	return 0;
}

static int parse_word(const char *arg, uint32_t *number,
		      int (*number_of)(const char *name), const char *words,
		      char *why, size_t size)
{
	int nr = number_of(arg);

	if (nr < 0) {
		snprintf(why, size, "'%s' is not one of %s", arg, words);
		return -EINVAL;
	}
	*number = nr;
	return 0;
}

int settings_endpoint(const char *arg, char *endpoint, size_t max, char *why,
		      size_t size)
{
	char dir[PATH_MAX];
	int len;

	if (*arg && *arg != '/') {
		if (!getcwd(dir, sizeof(dir))) {
			snprintf(why, size, "%s: %s", arg, strerror(errno));
			return -EINVAL;
		}
		len = snprintf(endpoint, max, "%s/%s",
			       strcmp(dir, "/") ? dir : "", arg);
	} else {
		len = snprintf(endpoint, max, "%s", arg);
	}
	if (len > VUSER_ENDPOINT_MAX) {
		snprintf(why, size, "the path has %d bytes, the maximum is %d",
			 len, VUSER_ENDPOINT_MAX);
		return -EINVAL;
	}
	return 0;
}

/* A name, a number, or "any". */
static int parse_user(const char *arg, uint32_t *user, char *why, size_t size)
{
	const struct passwd *entry;

	if (!strcmp(arg, "any")) {
		*user = VUSER_SERVER_USER_ANY;
		return 0;
	}
	if (!settings_number(arg, user) && *user != VUSER_SERVER_USER_ANY)
		return 0;
	entry = getpwnam(arg);
	if (!entry) {
		snprintf(why, size, "'%s' is neither a user nor \"any\"", arg);
		return -EINVAL;
	}
	*user = entry->pw_uid;
	return 0;
}

static int parse(struct settings *set, enum setting nr, const char *arg,
		 char *why, size_t size)
{
	uint32_t *number = &set->number[nr];

	switch (nr) {
	case SET_ENDPOINT:
		return settings_endpoint(arg, set->endpoint,
					 sizeof(set->endpoint), why, size);
	case SET_PCI_ADDRESS:
		set->pci_address = arg;
		return 0;
	case SET_MMAP:
		return parse_word(arg, number, vnl_name_parse_mmap,
				  "auto, trap, sparse", why, size);
	case SET_RESET:
		return parse_word(arg, number, vnl_name_parse_reset,
				  "auto, never", why, size);
	case SET_PCI_SETUP:
		return parse_word(arg, number, vnl_name_parse_pci_setup,
				  "auto, never", why, size);
	case SET_DMA_BACKING:
		return parse_word(arg, number, vnl_name_parse_dma_backing,
				  "auto, memory, file", why, size);
	case SET_DMA_HOLES:
		return parse_word(arg, number, vnl_name_parse_dma_holes,
				  "scratch, fault", why, size);
	case SET_ON_LOSS:
		return parse_word(arg, number, vnl_name_parse_on_loss,
				  "fail, wait, ones", why, size);
	case SET_STATE_KEPT:
		return parse_word(arg, number, vnl_name_parse_state_kept,
				  "no, yes", why, size);
	case SET_SERVER_USER:
		return parse_user(arg, number, why, size);
	default:
		if (!settings_number(arg, number))
			return 0;
		snprintf(why, size, "'%s' is not a number from 0 to 4294967295",
			 arg);
		return -EINVAL;
	}
}

int settings_parse(struct settings *set, int option, const char *arg, char *why,
		   size_t size)
{
	int nr = option - SETTING_OPTION;
	int ret;

	if (nr < 0 || nr >= NR_SETTINGS)
		return -ENOENT;
	ret = parse(set, nr, arg, why, size);
	if (!ret)
		set->given[nr] = true;
	return ret;
}

bool settings_any(const struct settings *set)
{
	int i;

	for (i = 0; i < NR_SETTINGS; i++)
		if (set->given[i])
			return true;
	return false;
}

int settings_put(const struct settings *set, struct nl_msg *msg)
{
	static const int attrs[NR_SETTINGS] = {
		[SET_REQUEST_TIMEOUT_MS] = VUSER_A_DEV_REQUEST_TIMEOUT_MS,
		[SET_CLOSE_TIMEOUT_MS] = VUSER_A_DEV_CLOSE_TIMEOUT_MS,
		[SET_MAX_DMA_MAPS] = VUSER_A_DEV_MAX_DMA_MAPS,
		[SET_MMAP] = VUSER_A_DEV_MMAP,
		[SET_RESET] = VUSER_A_DEV_RESET,
		[SET_PCI_SETUP] = VUSER_A_DEV_PCI_SETUP,
		[SET_DMA_BACKING] = VUSER_A_DEV_DMA_BACKING,
		[SET_DMA_HOLES] = VUSER_A_DEV_DMA_HOLES,
		[SET_SERVER_USER] = VUSER_A_DEV_SERVER_USER,
		[SET_ON_LOSS] = VUSER_A_DEV_ON_LOSS,
		[SET_RECONNECT_TIMEOUT_MS] = VUSER_A_DEV_RECONNECT_TIMEOUT_MS,
		[SET_STATE_KEPT] = VUSER_A_DEV_STATE_KEPT,
	};
	int i;

	if (set->given[SET_ENDPOINT] &&
	    nla_put_string(msg, VUSER_A_DEV_ENDPOINT, set->endpoint))
		return -EMSGSIZE;
	if (set->given[SET_PCI_ADDRESS] &&
	    nla_put_string(msg, VUSER_A_DEV_PCI_ADDRESS, set->pci_address))
		return -EMSGSIZE;
	for (i = 0; i < NR_SETTINGS; i++)
		if (set->given[i] && attrs[i] &&
		    nla_put_u32(msg, attrs[i], set->number[i]))
			return -EMSGSIZE;
	return 0;
}
