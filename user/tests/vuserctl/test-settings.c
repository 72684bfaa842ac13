// SPDX-License-Identifier: GPL-2.0
/* Options that are settings, from words to attributes. */
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
	       "mmap: sparse");
	tap_ok(!parse(SET_RESET, "never") &&
		       set.number[SET_RESET] == VUSER_RESET_POLICY_NEVER,
	       "reset: never");
	tap_ok(!parse(SET_DMA_BACKING, "memory") &&
		       set.number[SET_DMA_BACKING] == VUSER_DMA_BACKING_MEMORY,
	       "dma-backing: memory");
	tap_ok(parse(SET_MMAP, "never") == -EINVAL &&
		       strstr(why, "auto, trap, sparse") &&
		       !set.given[SET_MMAP],
	       "a wrong word is told the right ones");
}

static void test_numbers(void)
{
	tap_ok(!parse(SET_MAX_DMA_MAPS, "64") &&
		       set.number[SET_MAX_DMA_MAPS] == 64,
	       "a number");
	tap_ok(!parse(SET_MAX_DMA_MAPS, "0x10") &&
		       set.number[SET_MAX_DMA_MAPS] == 16,
	       "a hexadecimal number");
	tap_ok(parse(SET_MAX_DMA_MAPS, "") == -EINVAL, "no number: empty");
	tap_ok(parse(SET_MAX_DMA_MAPS, "-1") == -EINVAL, "no number: minus");
	tap_ok(parse(SET_MAX_DMA_MAPS, " 1") == -EINVAL, "no number: space");
	tap_ok(parse(SET_MAX_DMA_MAPS, "12ms") == -EINVAL, "no number: unit");
	tap_ok(parse(SET_MAX_DMA_MAPS, "4294967296") == -EINVAL,
	       "no number: more than 32 bits");
}

static void test_endpoint(void)
{
	char path[200];

	tap_ok(!parse(SET_ENDPOINT, "/run/dev.sock") &&
		       !strcmp(set.endpoint, "/run/dev.sock"),
	       "endpoint: absolute");
	tap_ok(!chdir("/usr") && !parse(SET_ENDPOINT, "dev.sock") &&
		       !strcmp(set.endpoint, "/usr/dev.sock"),
	       "endpoint: relative");
	tap_ok(!chdir("/") && !parse(SET_ENDPOINT, "dev.sock") &&
		       !strcmp(set.endpoint, "/dev.sock"),
	       "endpoint: in the root");
	tap_ok(!parse(SET_ENDPOINT, "") && set.given[SET_ENDPOINT] &&
		       !set.endpoint[0],
	       "endpoint: none");
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[VUSER_ENDPOINT_MAX] = '\0';
	tap_ok(!parse(SET_ENDPOINT, path), "endpoint: longest");
	path[VUSER_ENDPOINT_MAX] = 'a';
	path[VUSER_ENDPOINT_MAX + 1] = '\0';
	tap_ok(parse(SET_ENDPOINT, path) == -EINVAL && strstr(why, "108"),
	       "endpoint: too long");
}

static void test_other_options(void)
{
	tap_ok(settings_parse(&set, 'u', "", why, sizeof(why)) == -ENOENT,
	       "another option");
	tap_ok(settings_parse(&set, SETTING_OPTION + NR_SETTINGS, "", why,
			      sizeof(why)) == -ENOENT,
	       "a number too high");
}

static void test_attributes(void)
{
	struct nlattr *attrs[VUSER_A_DEV_MAX + 1];
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg)
		tap_bail("out of memory");
	memset(&set, 0, sizeof(set));
	tap_ok(!settings_any(&set), "nothing given");
	settings_parse(&set, SETTING_OPTION + SET_ENDPOINT, "", why,
		       sizeof(why));
	settings_parse(&set, SETTING_OPTION + SET_MMAP, "auto", why,
		       sizeof(why));
	tap_ok(settings_any(&set), "something given");

	nlmsg_put(msg, 0, 0, 0, 0, 0);
	tap_ok(!settings_put(&set, msg), "attributes fit");
	nlmsg_parse(nlmsg_hdr(msg), 0, attrs, VUSER_A_DEV_MAX, NULL);
	tap_ok(attrs[VUSER_A_DEV_ENDPOINT] &&
		       !nla_strcmp(attrs[VUSER_A_DEV_ENDPOINT], ""),
	       "no endpoint is an empty one");
	tap_ok(attrs[VUSER_A_DEV_MMAP] &&
		       nla_get_u32(attrs[VUSER_A_DEV_MMAP]) ==
			       VUSER_MMAP_POLICY_AUTO,
	       "a setting of 0 is one");
	tap_ok(!attrs[VUSER_A_DEV_RESET] && !attrs[VUSER_A_DEV_PCI_ADDRESS] &&
		       !attrs[VUSER_A_DEV_MAX_DMA_MAPS],
	       "what was not given is not");
	nlmsg_free(msg);
}

static void test_uuid(void)
{
	static const char text[] = "9f2d1c3e-0a5b-4c6d-8e7f-0123456789ab";
	uint8_t uuid[VUSER_UUID_LEN];
	char back[37];

	tap_ok(!vnl_uuid_parse(text, uuid) && uuid[0] == 0x9f &&
		       uuid[15] == 0xab,
	       "a UUID");
	vnl_uuid_format(uuid, back);
	tap_ok(!strcmp(back, text), "and back");
	tap_ok(!vnl_uuid_parse("9F2D1C3E-0A5B-4C6D-8E7F-0123456789AB", uuid) &&
		       uuid[0] == 0x9f,
	       "a UUID in capitals");
	tap_ok(vnl_uuid_parse("9f2d1c3e0a5b4c6d8e7f0123456789ab", uuid) ==
			       -EINVAL &&
		       vnl_uuid_parse("9f2d1c3e-0a5b-4c6d-8e7f-0123456789a",
				      uuid) == -EINVAL &&
		       vnl_uuid_parse("9f2d1c3e-0a5b-4c6d-8e7f-0123456789abc",
				      uuid) == -EINVAL &&
		       vnl_uuid_parse("", uuid) == -EINVAL,
	       "no UUIDs");
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
