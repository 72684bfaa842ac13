// SPDX-License-Identifier: BSD-3-Clause
/* "VFIO_USER_VERSION" with its JSON. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include <vuser/proto.h>

#include "../libbase/abi.h"
#include "payload.h"

/* The specification nests 3 objects; later ones may nest more. */
#define JSON_DEPTH 8

static void set_defaults(struct vuser_version *version)
{
	*version = (struct vuser_version) {
		.struct_size = sizeof(*version),
		.major = VFIO_USER_MAJOR,
		.caps = {
			.max_msg_fds = VFIO_USER_DEFAULT_MAX_MSG_FDS,
			.max_data_xfer_size =
				VFIO_USER_DEFAULT_MAX_DATA_XFER_SIZE,
			.max_dma_maps = VFIO_USER_DEFAULT_MAX_DMA_MAPS,
			.pgsizes = VFIO_USER_DEFAULT_PGSIZES,
			.twin_fd_index = -1,
		},
	};
}

static int put_version(struct vuser_version *to,
		       const struct vuser_version *from)
{
	return vu_abi_write(to, from, sizeof(*from), sizeof(*from));
}

int vuser_version_default(struct vuser_version *version)
{
	struct vuser_version defaults;

	set_defaults(&defaults);
	return put_version(version, &defaults);
}

/* Append @value to @object, which then owns it. @value is NULL without memory. */
static int add(struct json_object *object, const char *name,
	       struct json_object *value)
{
	if (value && !json_object_object_add(object, name, value))
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

static int add_number(struct json_object *object, const char *name,
		      uint64_t value)
{
	return add(object, name, json_object_new_uint64(value));
}

static int add_bool(struct json_object *object, const char *name)
{
	return add(object, name, json_object_new_boolean(1));
}

static struct json_object *twin_json(const struct vuser_caps *caps)
{
	struct json_object *twin = json_object_new_object();
	int ret;

	if (!twin)
		return NULL;
	ret = add_bool(twin, "supported");
	if (caps->twin_fd_index >= 0)
		ret = ret ?: add_number(twin, "fd_index", caps->twin_fd_index);
	if (!ret)
		return twin;
	json_object_put(twin);
	return NULL;
}

static struct json_object *migration_json(const struct vuser_caps *caps)
{
	struct json_object *migration = json_object_new_object();

	if (!migration)
		return NULL;
	if (!add_number(migration, "pgsize", caps->migration_pgsize))
		return migration;
	json_object_put(migration);
	return NULL;
}

static struct json_object *caps_json(const struct vuser_caps *caps)
{
	struct json_object *json = json_object_new_object();
	int ret;

	if (!json)
		return NULL;
	ret = add_number(json, "max_msg_fds", caps->max_msg_fds);
	ret = ret   ?:
		      add_number(json, "max_data_xfer_size",
				 caps->max_data_xfer_size);
	if (caps->has_max_dma_maps)
		ret = ret   ?:
			      add_number(json, "max_dma_maps",
					 caps->max_dma_maps);
	ret = ret ?: add_number(json, "pgsizes", caps->pgsizes);
	if (caps->migration_pgsize)
		ret = ret ?: add(json, "migration", migration_json(caps));
	if (caps->twin_supported)
		ret = ret ?: add(json, "twin_socket", twin_json(caps));
	if (caps->write_multiple)
		ret = ret ?: add_bool(json, "write_multiple");
	if (!ret)
		return json;
	json_object_put(json);
	return NULL;
}

ssize_t vuser_encode_version(void *buf, size_t size,
			     const struct vuser_version *given)
{
	struct vfio_user_version head = { 0 };
	struct vuser_version version;
	struct json_object *json;
	const char *text;
	size_t len;
	ssize_t ret;

	ret = vu_abi_read(&version, sizeof(version), given, sizeof(version));
	if (ret)
		return ret;
	head.major = version.major;
	head.minor = version.minor;
	json = json_object_new_object();
	if (!json)
		return -ENOMEM;
	ret = add(json, "capabilities", caps_json(&version.caps));
	if (ret)
		goto out;
	text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
	if (!text) {
		ret = -ENOMEM;
		goto out;
	}
	len = strlen(text) + 1;
	ret = -ENOBUFS;
	if (size < sizeof(head) || len > size - sizeof(head))
		goto out;
	memcpy(buf, &head, sizeof(head));
	memcpy((char *)buf + sizeof(head), text, len);
	ret = sizeof(head) + len;
out:
	json_object_put(json);
	return ret;
}

/*
 * Get a number of at least @min, reduced to @max. Return: 1; 0 without the member.
 */
static int get_number(struct json_object *object, const char *name,
		      uint64_t min, uint64_t max, uint64_t *value)
{
	struct json_object *item;
	uint64_t number;

	if (!json_object_object_get_ex(object, name, &item))
		return 0;
	if (!json_object_is_type(item, json_type_int) ||
	    json_object_get_int64(item) < 0)
		return -EINVAL;
	number = json_object_get_uint64(item);
	if (number < min)
		return -EINVAL;
	*value = number > max ? max : number;
	return 1;
}

static int get_number32(struct json_object *object, const char *name,
			uint32_t min, uint32_t max, uint32_t *value)
{
	uint64_t number;
	int ret = get_number(object, name, min, max, &number);

	if (ret > 0)
		*value = number;
	return ret;
}

static int get_bool(struct json_object *object, const char *name, bool *value)
{
	struct json_object *item;

	if (!json_object_object_get_ex(object, name, &item))
		return 0;
	if (!json_object_is_type(item, json_type_boolean))
		return -EINVAL;
	*value = json_object_get_boolean(item);
	return 1;
}

/* Get an object. Return: 1; 0 without the member; -EINVAL. */
static int get_object(struct json_object *object, const char *name,
		      struct json_object **value)
{
	if (!json_object_object_get_ex(object, name, value))
		return 0;
	return json_object_is_type(*value, json_type_object) ? 1 : -EINVAL;
}

static int get_twin(struct json_object *json, struct vuser_caps *caps)
{
	struct json_object *twin;
	uint32_t index;
	int ret = get_object(json, "twin_socket", &twin);

	if (ret <= 0)
		return ret;
	ret = get_bool(twin, "supported", &caps->twin_supported);
	if (ret < 0)
		return ret;
	ret = get_number32(twin, "fd_index", 0, INT32_MAX, &index);
	if (ret > 0)
		caps->twin_fd_index = index;
	return ret < 0 ? ret : 0;
}

static int get_migration(struct json_object *json, struct vuser_caps *caps)
{
	struct json_object *migration;
	int ret = get_object(json, "migration", &migration);

	if (ret <= 0)
		return ret;
	ret = get_number(migration, "pgsize", 1, UINT64_MAX,
			 &caps->migration_pgsize);
	return ret < 0 ? ret : 0;
}

static int get_caps(struct json_object *json, struct vuser_caps *caps)
{
	int ret = get_number32(json, "max_msg_fds", 0, VUSER_MAX_MSG_FDS,
			       &caps->max_msg_fds);

	if (ret < 0)
		return ret;
	ret = get_number32(json, "max_data_xfer_size", 1, VUSER_MAX_XFER_SIZE,
			   &caps->max_data_xfer_size);
	if (ret < 0)
		return ret;
	ret = get_number32(json, "max_dma_maps", 1, UINT32_MAX,
			   &caps->max_dma_maps);
	if (ret < 0)
		return ret;
	caps->has_max_dma_maps = ret;
	ret = get_number(json, "pgsizes", 1, UINT64_MAX, &caps->pgsizes);
	if (ret < 0)
		return ret;
	ret = get_bool(json, "write_multiple", &caps->write_multiple);
	if (ret < 0)
		return ret;
	ret = get_migration(json, caps);
	return ret ?: get_twin(json, caps);
}

static int parse(const char *text, size_t len, struct json_object **json)
{
	struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);

	if (!tok)
		return -ENOMEM;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
					    JSON_TOKENER_VALIDATE_UTF8);
	/*
	 * @len includes the NUL, by which the parser knows that the last value is
	 * complete.
	 */
	*json = json_tokener_parse_ex(tok, text, len);
	if (json_tokener_get_error(tok) != json_tokener_success) {
		json_object_put(*json);
		*json = NULL;
	}
	json_tokener_free(tok);
	return *json ? 0 : -EINVAL;
}

/* Decode the JSON that follows the version numbers. */
static int decode_json(const char *text, size_t len, struct vuser_caps *result)
{
	struct json_object *json, *caps;
	int ret;

	if (memchr(text, '\0', len) != text + len - 1)
		return -EINVAL;
	ret = parse(text, len, &json);
	if (ret)
		return ret;
	ret = -EINVAL;
	if (json_object_is_type(json, json_type_object)) {
		ret = get_object(json, "capabilities", &caps);
		if (ret > 0)
			ret = get_caps(caps, result);
	}
	json_object_put(json);
	return ret;
}

int vuser_decode_version(const void *buf, size_t len,
			 struct vuser_version *result)
{
	struct vfio_user_version head;
	struct vuser_version version;
	int ret = 0, bad;

	if (len < sizeof(head) ||
	    len > sizeof(head) + VFIO_USER_VERSION_DATA_MAX)
		return -EMSGSIZE;
	memcpy(&head, buf, sizeof(head));
	set_defaults(&version);
	version.major = head.major;
	version.minor = head.minor;
	if (head.major != VFIO_USER_MAJOR)
		ret = -EPROTONOSUPPORT;
	else if (len > sizeof(head))
		ret = decode_json((const char *)buf + sizeof(head),
				  len - sizeof(head), &version.caps);
	bad = put_version(result, &version);
	return bad ? bad : ret;
}
