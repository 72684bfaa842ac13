// SPDX-License-Identifier: GPL-2.0
/* The client and the server together: accesses to regions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../harness.h"
#include "both.h"

TEST(region_accesses_succeed_in_bounds_and_fail_outside)
{
	struct both both = both_setup(NULL, NULL);
	uint32_t in = 0x12345678, out = 0;

	check_eq(vuser_client_write(both.client, 0, 0x40, &in, 4), 0);
	check_eq(vuser_client_read(both.client, 0, 0x40, &out, 4), 0);
	check_eq(out, in);
	check_eq(both.dev->last_count, 4);
	/* The last byte, and one byte more. */
	check_eq(vuser_client_read(both.client, 0, DEVICE_REGION_SIZE - 1, &out,
				   1),
		 0);
	check_eq(vuser_client_read(both.client, 0, DEVICE_REGION_SIZE - 1, &out,
				   2),
		 -EINVAL);
	check_eq(vuser_client_read(both.client, 0, DEVICE_REGION_SIZE, &out, 1),
		 -EINVAL);
	check_eq(vuser_client_read(both.client, 0, UINT64_MAX, &out, 1),
		 -EINVAL);
	check_eq(vuser_client_write(both.client, 0, UINT64_MAX - 3, &in, 4),
		 -EINVAL);
	/* Nonexistent regions, and a read-only region. */
	check_eq(vuser_client_read(both.client, 3, 0, &out, 4), -EINVAL);
	check_eq(vuser_client_read(both.client, 10, 0, &out, 4), -EINVAL);
	check_eq(vuser_client_read(both.client, UINT32_MAX, 0, &out, 4),
		 -EINVAL);
	check_eq(vuser_client_write(both.client, 9, 0, &in, 4), -EPERM);
	check_eq(vuser_client_read(both.client, 9, 0, &out, 4), 0);
	/* The device's own errno. */
	check_eq(vuser_client_read(both.client, 0, REG_FAIL, &out, 4), -ENXIO);
	check_eq(vuser_client_write(both.client, 0, REG_FAIL, &out, 4), -ENXIO);
	check_eq(vuser_client_read(both.client, 0, 0, &out, 0), -EINVAL);
	both_teardown(&both);
}

TEST(accesses_are_split_at_the_regions_access_max)
{
	struct both both = both_setup(NULL, NULL);
	unsigned char in[64], out[64];
	unsigned int i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = i + 1;
	/* 1 byte at 7, 8 at 8 and 16, 4 at 24, 2 at 28. */
	both.dev->nr_writes = 0;
	check_eq(vuser_client_write(both.client, 0, 7, in, 23), 0);
	check_eq(both.dev->nr_writes, 5);
	check_eq(both.dev->last_count, 2);
	check_eq(vuser_client_read(both.client, 0, 7, out, 23), 0);
	check(!memcmp(in, out, 23));
	/* Region 2 gets the access unsplit. */
	both.dev->nr_writes = 0;
	check_eq(vuser_client_write(both.client, 2, 7, in, 23), 0);
	check_eq(both.dev->nr_writes, 1);
	check_eq(both.dev->last_count, 23);
	check_eq(vuser_client_read(both.client, 2, 0, out, 64), 0);
	check(!memcmp(in, out + 7, 23));
	/* Accesses to configuration space have at most 4 bytes. */
	check_eq(vuser_client_read(both.client, 7, 0, out, 8), 0);
	check_eq(both.dev->last_count, 4);
	check_eq(out[0] | out[1] << 8, 0x5655);
	both_teardown(&both);
}

TEST(access_beyond_max_data_xfer_size_fails)
{
	struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.max_data_xfer_size = 4096,
	};
	struct both both = both_setup(&config, NULL);
	char *in = malloc(8192), *out = malloc(8192);

	memset(in, 'x', 8192);
	check_eq(vuser_client_description(both.client)->caps.max_data_xfer_size,
		 4096);
	check_eq(vuser_client_write(both.client, 2, 0, in, 4096), 0);
	check_eq(vuser_client_read(both.client, 2, 0, out, 4096), 0);
	check(!memcmp(in, out, 4096));
	check_eq(vuser_client_write(both.client, 2, 0, in, 4097), -EINVAL);
	check_eq(vuser_client_read(both.client, 2, 0, out, 4097), -EINVAL);
	free(in);
	free(out);
	both_teardown(&both);
}

TEST(whole_region_fits_in_one_message)
{
	struct both both = both_setup(NULL, NULL);
	char *in = malloc(DEVICE_REGION_SIZE),
	     *out = malloc(DEVICE_REGION_SIZE);
	size_t i;

	for (i = 0; i < DEVICE_REGION_SIZE; i++)
		in[i] = i * 7;
	check_eq(vuser_client_write(both.client, 2, 0, in, DEVICE_REGION_SIZE),
		 0);
	check_eq(vuser_client_read(both.client, 2, 0, out, DEVICE_REGION_SIZE),
		 0);
	check(!memcmp(in, out, DEVICE_REGION_SIZE));
	free(in);
	free(out);
	both_teardown(&both);
}

TEST(posted_writes_are_done_in_order_before_a_read)
{
	struct both both = both_setup(NULL, NULL);
	uint32_t i, out;

	/* The read comes after all writes. */
	for (i = 1; i <= 10000; i++)
		if (vuser_client_post(both.client, 0, 0x40, &i, 4))
			break;
	check_eq(i, 10001);
	check_eq(vuser_client_read(both.client, 0, 0x40, &out, 4), 0);
	check_eq(out, 10000);
	check_eq(both.dev->nr_writes, 10000);
	/* The client does not learn about a posted write that fails. */
	check_eq(vuser_client_post(both.client, 0, REG_FAIL, &i, 4), 0);
	check_eq(vuser_client_post(both.client, 3, 0, &i, 4), 0);
	check_eq(vuser_client_read(both.client, 0, 0x40, &out, 4), 0);
	both_teardown(&both);
}

TEST(posted_writes_before_the_disconnect_are_done)
{
	struct both both = both_setup(NULL, NULL);
	uint32_t i;

	for (i = 1; i <= 100; i++)
		vuser_client_post(both.client, 0, 0x40, &i, 4);
	vuser_client_free(both.client);
	check(device_await(&both.dev->disconnects, 1));
	check_eq(both.dev->nr_writes, 100);
	device_free(both.dev);
}

TEST(write_multi_stops_at_the_first_failure)
{
	struct vfio_user_single_write wrs[3] = {
		{ .offset = 0x40, .region = 0, .count = 4, .data = "abc" },
		{ .offset = 0x50, .region = 2, .count = 8, .data = "1234567" },
		{ .offset = 0x48, .region = 0, .count = 1, .data = "z" },
	};
	struct both both = both_setup(NULL, NULL);
	char out[8];
	uint64_t done;

	check_eq(vuser_client_write_multi(both.client, wrs, 3, &done), 0);
	check_eq(done, 3);
	check_eq(vuser_client_read(both.client, 0, 0x40, out, 4), 0);
	check(!strcmp(out, "abc"));
	check_eq(vuser_client_read(both.client, 2, 0x50, out, 8), 0);
	check(!strcmp(out, "1234567"));
	/* The server returns the number of writes before the failure. */
	wrs[1].region = 9;
	check_eq(vuser_client_write_multi(both.client, wrs, 3, &done), 0);
	check_eq(done, 1);
	check_eq(vuser_client_write_multi(both.client, wrs + 1, 2, &done),
		 -EPERM);
	both_teardown(&both);
}
