// SPDX-License-Identifier: GPL-2.0
/* Structures that begin with their size, and the versions of the libraries. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vhost-user/backend.h>
#include <vhost-user/version.h>
#include <vuser/client.h>
#include <vuser/pci.h>
#include <vuser/version.h>

#include "../../libbase/abi.h"
#include "../harness.h"

/* The structures of the previous, the present and the next release. */
struct old {
	size_t struct_size;
	uint64_t first;
};

struct now {
	size_t struct_size;
	uint64_t first;
	uint64_t second;
};

struct next {
	size_t struct_size;
	uint64_t first;
	uint64_t second;
	uint64_t third;
};

TEST(a_structure_of_the_same_size_is_copied)
{
	const struct now from = { sizeof(from), 1, 2 };
	struct now to;

	check_eq(vu_abi_read(&to, sizeof(to), &from, sizeof(struct old)), 0);
	check_eq(to.struct_size, sizeof(to));
	check_eq(to.first, 1);
	check_eq(to.second, 2);
}

TEST(null_reads_as_zeros)
{
	struct now to = { 1, 2, 3 };

	check_eq(vu_abi_read(&to, sizeof(to), NULL, sizeof(struct old)), 0);
	check_eq(to.struct_size, sizeof(to));
	check_eq(to.first, 0);
	check_eq(to.second, 0);
}

TEST(members_missing_from_an_older_structure_read_as_0)
{
	const struct {
		struct old old;
		uint64_t after;
	} from = { { sizeof(from.old), 1 }, 99 };
	struct now to;

	check_eq(vu_abi_read(&to, sizeof(to), &from, sizeof(struct old)), 0);
	check_eq(to.struct_size, sizeof(to));
	check_eq(to.first, 1);
	check_eq(to.second, 0);
}

TEST(a_structure_below_the_first_size_is_invalid)
{
	struct old from = { sizeof(from) - 1, 1 };
	struct now to;

	check_eq(vu_abi_read(&to, sizeof(to), &from, sizeof(from)), -EINVAL);
	from.struct_size = 0;
	check_eq(vu_abi_read(&to, sizeof(to), &from, sizeof(from)), -EINVAL);
}

TEST(a_newer_structure_is_taken_only_if_its_rest_is_0)
{
	struct next from = { sizeof(from), 1, 2, 0 };
	struct now to;

	check_eq(vu_abi_read(&to, sizeof(to), &from, sizeof(struct old)), 0);
	check_eq(to.struct_size, sizeof(to));
	check_eq(to.second, 2);
	from.third = 1ULL << 63;
	check_eq(vu_abi_read(&to, sizeof(to), &from, sizeof(struct old)),
		 -E2BIG);
}

TEST(a_result_is_not_written_beyond_an_older_structure)
{
	const struct now from = { 0, 1, 2 };
	struct {
		struct old old;
		uint64_t after;
	} to = { { sizeof(to.old), 0 }, 99 };

	check_eq(vu_abi_write(&to, &from, sizeof(from), sizeof(struct old)), 0);
	check_eq(to.old.struct_size, sizeof(to.old));
	check_eq(to.old.first, 1);
	check_eq(to.after, 99);
}

TEST(unknown_members_of_a_newer_result_are_set_to_0)
{
	const struct now from = { 0, 1, 2 };
	struct next to = { sizeof(to), 7, 8, 9 };

	check_eq(vu_abi_write(&to, &from, sizeof(from), sizeof(struct old)), 0);
	check_eq(to.struct_size, sizeof(to));
	check_eq(to.first, 1);
	check_eq(to.second, 2);
	check_eq(to.third, 0);
	to.struct_size = sizeof(struct old) - 1;
	check_eq(vu_abi_write(&to, &from, sizeof(from), sizeof(struct old)),
		 -EINVAL);
}

/* A structure as a program compiled with a later release fills it. */
#define LATER(type)                \
	struct {                   \
		type now;          \
		uint64_t addition; \
	}

TEST(servers_check_the_sizes_of_structures)
{
	LATER(struct vuser_server_region) region = { 0 };
	LATER(struct vuser_server_config) config = { 0 };
	LATER(struct vuser_server_ops) ops = { 0 };
	struct vuser_server *server;

	check_eq(vuser_server_new(&ops.now, NULL, NULL, &server), -EINVAL);
	ops.now.struct_size = sizeof(ops);
	check_eq(vuser_server_new(&ops.now, &config.now, NULL, &server),
		 -EINVAL);
	config.now.struct_size = sizeof(config);
	config.addition = 1;
	check_eq(vuser_server_new(&ops.now, &config.now, NULL, &server),
		 -E2BIG);
	config.addition = 0;
	require(!vuser_server_new(&ops.now, &config.now, NULL, &server));
	region.now.fd = -1;
	check_eq(vuser_server_set_region(server, 0, &region.now), -EINVAL);
	region.now.struct_size = sizeof(region);
	region.addition = 1;
	check_eq(vuser_server_set_region(server, 0, &region.now), -E2BIG);
	region.addition = 0;
	check_eq(vuser_server_set_region(server, 0, &region.now), 0);
	vuser_server_free(server);
}

/* Programs that were compiled with the first release still work. */
TEST(config_of_the_first_release_is_accepted)
{
	const size_t first = offsetof(struct vuser_server_config, max_deferred);
	struct vuser_server_ops ops = { .struct_size = sizeof(ops) };
	struct vuser_server_config config = { .struct_size = first };
	struct vuser_server *server;

	/* The size with the padding at its end. */
	check_eq(first, 48);
	/* Members after struct_size are not read. */
	config.max_deferred = 1;
	config.no_sigbus = true;
	check_eq(vuser_server_new(&ops, &config, NULL, &server), 0);
	vuser_server_free(server);
	config.struct_size = first - 1;
	check_eq(vuser_server_new(&ops, &config, NULL, &server), -EINVAL);
}

TEST(config_space_checks_the_sizes_of_structures)
{
	struct vuser_server_region region = { 0 };
	struct vuser_pci_ids ids = { 0 };
	static struct vuser_pci pci;

	check_eq(vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids), -EINVAL);
	ids.struct_size = sizeof(ids);
	check_eq(vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids), 0);
	check_eq(vuser_pci_config_region(&pci, &region), -EINVAL);
	region.struct_size = sizeof(region);
	check_eq(vuser_pci_config_region(&pci, &region), 0);
	check_eq(region.struct_size, sizeof(region));
	check_eq(region.size, VUSER_PCI_CFG_SIZE);
}

TEST(messages_check_the_sizes_of_structures)
{
	struct vuser_region_caps caps = { 0 };
	struct vfio_user_region_info info = { 0 };
	struct vuser_version version = { 0 };
	char buf[4096];
	ssize_t len;

	check_eq(vuser_version_default(&version), -EINVAL);
	check_eq(vuser_encode_version(buf, sizeof(buf), &version), -EINVAL);
	version.struct_size = sizeof(version);
	check_eq(vuser_version_default(&version), 0);
	len = vuser_encode_version(buf, sizeof(buf), &version);
	require(len > 0);
	version.struct_size = sizeof(version) - 1;
	check_eq(vuser_decode_version(buf, len, &version), -EINVAL);

	check_eq(vuser_encode_region_info_reply(buf, sizeof(buf), sizeof(buf),
						&info, &caps),
		 -EINVAL);
	len = vuser_encode_region_info_reply(buf, sizeof(buf), sizeof(buf),
					     &info, NULL);
	require(len > 0);
	check_eq(vuser_decode_region_info_reply(buf, len, 0, &info, &caps),
		 -EINVAL);
}

TEST(clients_check_the_sizes_of_structures)
{
	struct vuser_client_options opt = { 0 };
	struct vuser_client_ops ops = { 0 };
	struct vuser_handshake *hs;
	struct vuser_client *client;

	/* These functions take over the socket, also on an error. */
	check_eq(vuser_client_new_fd(dup(0), &opt, 0, NULL, NULL, &client),
		 -EINVAL);
	check_eq(vuser_client_new_fd(dup(0), NULL, 0, &ops, NULL, &client),
		 -EINVAL);
	check_eq(vuser_handshake_new(dup(0), &opt, &hs), -EINVAL);
}

TEST(back_ends_check_the_sizes_of_structures)
{
	struct vhost_backend_options opt = { 0 };
	struct vhost_backend_ops ops = { 0 };
	struct vhost_backend *b;

	check_eq(vhost_backend_new(&opt, &b), -EINVAL);
	opt.struct_size = sizeof(opt);
	opt.ops = &ops;
	check_eq(vhost_backend_new(&opt, &b), -EINVAL);
	ops.struct_size = sizeof(ops);
	require(!vhost_backend_new(&opt, &b));
	vhost_backend_free(b);
}

TEST(both_libraries_have_the_version_of_the_build)
{
	char text[32];
	uint32_t v = vuser_library_version();

	snprintf(text, sizeof(text), "%u.%u.%u", v >> 16, v >> 8 & 255,
		 v & 255);
	check(!strcmp(text, VUSER_VERSION));
	check_eq(v, VUSER_LIBRARY_VERSION);
	check_eq(vhost_user_library_version(), v);
	check_eq(vhost_user_library_version(), VHOST_USER_LIBRARY_VERSION);
}
