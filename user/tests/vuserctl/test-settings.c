// SPDX-License-Identifier: GPL-2.0
/* Options of vuserctl that are settings: parsing, and netlink attributes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "../../netlink/dev.h"
#include "../../vuserctl/settings.h"
#include "../tap.h"

static struct settings set;
static char why[256];

static int parse(enum setting nr, const char *arg)
{
	memset(&set, 0, sizeof(set));
	why[0] = '\0';
	return settings_parse(&set, SETTING_OPTION + nr, arg, why, sizeof(why));
}

static void test_words(void)
{
	tap_ok(!parse(SET_MMAP, "sparse") && set.given[SET_MMAP] &&
		       set.number[SET_MMAP] == VUSER_MMAP_POLICY_SPARSE,
	       "mmap accepts \"sparse\"");
	tap_ok(!parse(SET_RESET, "never") &&
		       set.number[SET_RESET] == VUSER_RESET_POLICY_NEVER,
	       "reset accepts \"never\"");
	tap_ok(!parse(SET_PCI_SETUP, "never") &&
		       set.number[SET_PCI_SETUP] == VUSER_PCI_SETUP_NEVER,
	       "pci-setup accepts \"never\"");
	tap_ok(!parse(SET_DMA_BACKING, "memory") &&
		       set.number[SET_DMA_BACKING] == VUSER_DMA_BACKING_MEMORY,
	       "dma-backing accepts \"memory\"");
	tap_ok(!parse(SET_DMA_BACKING, "file") &&
		       set.number[SET_DMA_BACKING] == VUSER_DMA_BACKING_FILE,
	       "dma-backing accepts \"file\"");
	tap_ok(!parse(SET_DMA_HOLES, "fault") &&
		       set.number[SET_DMA_HOLES] == VUSER_DMA_HOLES_FAULT,
	       "dma-holes accepts \"fault\"");
	tap_ok(parse(SET_DMA_HOLES, "nothing") == -EINVAL,
	       "dma-holes refuses an unknown word");
	tap_ok(!parse(SET_ON_LOSS, "wait") &&
		       set.number[SET_ON_LOSS] == VUSER_ON_LOSS_WAIT,
	       "on-loss accepts \"wait\"");
	tap_ok(parse(SET_ON_LOSS, "hang") == -EINVAL,
	       "on-loss refuses an unknown word");
	tap_ok(!parse(SET_STATE_KEPT, "yes") &&
		       set.number[SET_STATE_KEPT] == VUSER_STATE_KEPT_YES,
	       "state-kept accepts \"yes\"");
	tap_ok(!parse(SET_SERVER_USER, "root") &&
		       set.number[SET_SERVER_USER] == 0,
	       "server-user accepts a name");
	tap_ok(!parse(SET_SERVER_USER, "1000") &&
		       set.number[SET_SERVER_USER] == 1000,
	       "server-user accepts a number");
	tap_ok(!parse(SET_SERVER_USER, "any") &&
		       set.number[SET_SERVER_USER] == VUSER_SERVER_USER_ANY,
	       "server-user accepts \"any\"");
	tap_ok(parse(SET_SERVER_USER, "no such user") == -EINVAL,
	       "server-user refuses an unknown name");
	tap_ok(parse(SET_SERVER_USER, "4294967295") == -EINVAL,
	       "server-user refuses the number of no user");
	tap_ok(parse(SET_MMAP, "never") == -EINVAL &&
		       strstr(why, "auto, trap, sparse") &&
		       !set.given[SET_MMAP],
	       "an unknown word is rejected with a list of the valid ones");
}

static void test_numbers(void)
{
	tap_ok(!parse(SET_MAX_DMA_MAPS, "64") &&
		       set.number[SET_MAX_DMA_MAPS] == 64,
	       "a decimal number is accepted");
	tap_ok(!parse(SET_MAX_DMA_MAPS, "0x10") &&
		       set.number[SET_MAX_DMA_MAPS] == 16,
	       "a hexadecimal number is accepted");
	tap_ok(parse(SET_MAX_DMA_MAPS, "") == -EINVAL,
	       "an empty number is rejected");
	tap_ok(parse(SET_MAX_DMA_MAPS, "-1") == -EINVAL,
	       "a negative number is rejected");
	tap_ok(parse(SET_MAX_DMA_MAPS, " 1") == -EINVAL,
	       "a number after a blank is rejected");
	tap_ok(parse(SET_MAX_DMA_MAPS, "12ms") == -EINVAL,
	       "a number with a unit is rejected");
	tap_ok(parse(SET_MAX_DMA_MAPS, "4294967296") == -EINVAL,
	       "a number of more than 32 bits is rejected");
}

static void test_endpoint(void)
{
	char path[VUSER_ENDPOINT_MAX + 2];

	tap_ok(!parse(SET_ENDPOINT, "/run/dev.sock") &&
		       !strcmp(set.endpoint, "/run/dev.sock"),
	       "an absolute endpoint is kept");
	tap_ok(!chdir("/usr") && !parse(SET_ENDPOINT, "dev.sock") &&
		       !strcmp(set.endpoint, "/usr/dev.sock"),
	       "a relative endpoint starts at the current directory");
	tap_ok(!chdir("/") && !parse(SET_ENDPOINT, "dev.sock") &&
		       !strcmp(set.endpoint, "/dev.sock"),
	       "a relative endpoint in the root directory has one slash");
	tap_ok(!parse(SET_ENDPOINT, "") && set.given[SET_ENDPOINT] &&
		       !set.endpoint[0],
	       "an empty endpoint is accepted");
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[VUSER_ENDPOINT_MAX] = '\0';
	tap_ok(!parse(SET_ENDPOINT, path),
	       "an endpoint of the maximum length is accepted");
	path[VUSER_ENDPOINT_MAX] = 'a';
	path[VUSER_ENDPOINT_MAX + 1] = '\0';
	tap_ok(parse(SET_ENDPOINT, path) == -EINVAL && strstr(why, "4096") &&
		       strstr(why, "4095"),
	       "an endpoint beyond the maximum length is rejected");
	path[0] = 'a';
	path[VUSER_ENDPOINT_MAX - 1] = '\0';
	tap_ok(!parse(SET_ENDPOINT, path) && set.endpoint[0] == '/' &&
		       strlen(set.endpoint) == VUSER_ENDPOINT_MAX,
	       "a relative endpoint may be as long as its absolute path");
	path[VUSER_ENDPOINT_MAX - 1] = 'a';
	path[VUSER_ENDPOINT_MAX] = '\0';
	tap_ok(parse(SET_ENDPOINT, path) == -EINVAL && strstr(why, "4096"),
	       "a relative endpoint is rejected if its absolute path is too long");
}

static void test_other_options(void)
{
	tap_ok(settings_parse(&set, 'u', "", why, sizeof(why)) == -ENOENT,
	       "an option that is not a setting is reported");
	tap_ok(settings_parse(&set, SETTING_OPTION + NR_SETTINGS, "", why,
			      sizeof(why)) == -ENOENT,
	       "an option number beyond the settings is reported");
}

static void test_attributes(void)
{
	struct nlattr *attrs[VUSER_A_DEV_MAX + 1];
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg)
		tap_bail("out of memory");
	memset(&set, 0, sizeof(set));
	tap_ok(!settings_any(&set), "settings without an option are empty");
	settings_parse(&set, SETTING_OPTION + SET_ENDPOINT, "", why,
		       sizeof(why));
	settings_parse(&set, SETTING_OPTION + SET_MMAP, "auto", why,
		       sizeof(why));
	tap_ok(settings_any(&set), "settings with an option are not empty");

	nlmsg_put(msg, 0, 0, 0, 0, 0);
	tap_ok(!settings_put(&set, msg), "the attributes fit into a message");
	nlmsg_parse(nlmsg_hdr(msg), 0, attrs, VUSER_A_DEV_MAX, NULL);
	tap_ok(attrs[VUSER_A_DEV_ENDPOINT] &&
		       !nla_strcmp(attrs[VUSER_A_DEV_ENDPOINT], ""),
	       "an empty endpoint is sent as an empty string");
	tap_ok(attrs[VUSER_A_DEV_MMAP] &&
		       nla_get_u32(attrs[VUSER_A_DEV_MMAP]) ==
			       VUSER_MMAP_POLICY_AUTO,
	       "a setting with the value 0 is sent");
	tap_ok(!attrs[VUSER_A_DEV_RESET] && !attrs[VUSER_A_DEV_PCI_ADDRESS] &&
		       !attrs[VUSER_A_DEV_MAX_DMA_MAPS],
	       "settings without an option are not sent");
	nlmsg_free(msg);
}

static void test_uuid(void)
{
	static const char text[] = "9f2d1c3e-0a5b-4c6d-8e7f-0123456789ab";
	uint8_t uuid[VUSER_UUID_LEN];
	char back[37];

	tap_ok(!vnl_uuid_parse(text, uuid) && uuid[0] == 0x9f &&
		       uuid[15] == 0xab,
	       "a UUID in small letters is parsed");
	vnl_uuid_format(uuid, back);
	tap_ok(!strcmp(back, text), "a formatted UUID equals the parsed text");
	tap_ok(!vnl_uuid_parse("9F2D1C3E-0A5B-4C6D-8E7F-0123456789AB", uuid) &&
		       uuid[0] == 0x9f,
	       "a UUID in capitals is parsed");
	tap_ok(vnl_uuid_parse("9f2d1c3e0a5b4c6d8e7f0123456789ab", uuid) ==
			       -EINVAL &&
		       vnl_uuid_parse("9f2d1c3e-0a5b-4c6d-8e7f-0123456789a",
				      uuid) == -EINVAL &&
		       vnl_uuid_parse("9f2d1c3e-0a5b-4c6d-8e7f-0123456789abc",
				      uuid) == -EINVAL &&
		       vnl_uuid_parse("", uuid) == -EINVAL,
	       "malformed UUIDs are rejected");
}

int main(void)
{
	test_words();
	test_numbers();
	test_endpoint();
	test_other_options();
	test_attributes();
	test_uuid();
	return tap_done();
}
