// SPDX-License-Identifier: GPL-2.0
/* The settings of a device: checks of the values, and the sysfs attributes. */
#include <linux/capability.h>
#include <linux/device.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "vfio/device.h"
#include "vfio/event.h"
#include "vfio/settings.h"

/* Protects the pci_address of all devices.  Taken inside a device's lock. */
static DEFINE_MUTEX(vuser_address_lock);

/* The devices by their pci_address. */
static DEFINE_HASHTABLE(vuser_addresses, 10);

/**
 * vuser_settings_check() - check that settings are in range
 * @set: the settings to check
 *
 * Context: any.
 * Return: 0, or -EINVAL if a setting is out of range.
 */
int vuser_settings_check(const struct vuser_settings *set)
{
	if (set->request_timeout_ms < VUSER_TIMEOUT_MIN ||
	    set->request_timeout_ms > VUSER_TIMEOUT_MAX ||
	    set->close_timeout_ms < VUSER_TIMEOUT_MIN ||
	    set->close_timeout_ms > VUSER_TIMEOUT_MAX ||
	    set->max_dma_maps > 65535 || set->mmap > VUSER_MMAP_POLICY_SPARSE ||
	    set->dma_backing > VUSER_DMA_BACKING_FILE ||
	    set->dma_holes > VUSER_DMA_HOLES_FAULT ||
	    set->on_loss > VUSER_ON_LOSS_ONES ||
	    set->reconnect_timeout_ms > VUSER_TIMEOUT_MAX)
		return -EINVAL;
	return 0;
}

/**
 * vuser_settings_put() - replace the settings of a device
 * @dev: the device; its lock is held
 * @set: the new settings, checked by vuser_settings_check()
 *
 * The caller reports the change with vuser_event_changed().
 *
 * Context: any; readers of single settings hold no lock.
 */
void vuser_settings_put(struct vuser_device *dev,
			const struct vuser_settings *set)
{
	struct vuser_settings *to = &dev->settings;

	lockdep_assert_held(&dev->lock);
	WRITE_ONCE(to->request_timeout_ms, set->request_timeout_ms);
	WRITE_ONCE(to->close_timeout_ms, set->close_timeout_ms);
	WRITE_ONCE(to->max_dma_maps, set->max_dma_maps);
	WRITE_ONCE(to->mmap, set->mmap);
	WRITE_ONCE(to->dma_backing, set->dma_backing);
	WRITE_ONCE(to->dma_holes, set->dma_holes);
	WRITE_ONCE(to->server_user, set->server_user);
	WRITE_ONCE(to->reset_never, set->reset_never);
	WRITE_ONCE(to->pci_setup_never, set->pci_setup_never);
	WRITE_ONCE(to->on_loss, set->on_loss);
	WRITE_ONCE(to->reconnect_timeout_ms, set->reconnect_timeout_ms);
	WRITE_ONCE(to->state_kept, set->state_kept);
}

/**
 * vuser_settings_copy_endpoint() - check and copy the path of a server's socket
 * @path: absolute path of a UNIX socket, or "" for no path
 * @copy: set to the copy, or to NULL for no path; for vuser_settings_put_endpoint()
 *
 * Context: process; may sleep.
 * Return: 0; -EINVAL for a relative path; -ENAMETOOLONG for more than
 * VUSER_ENDPOINT_MAX bytes; -ENOMEM.
 */
int vuser_settings_copy_endpoint(const char *path, char **copy)
{
	*copy = NULL;
	if (!*path)
		return 0;
	if (*path != '/')
		return -EINVAL;
	if (strlen(path) > VUSER_ENDPOINT_MAX)
		return -ENAMETOOLONG;
	*copy = kstrdup(path, GFP_KERNEL);
	return *copy ? 0 : -ENOMEM;
}

/**
 * vuser_settings_put_endpoint() - replace the path of the server's socket
 * @dev: the device; its lock is held
 * @copy: from vuser_settings_copy_endpoint(); the device frees it
 *
 * The caller reports the change with vuser_event_changed().
 *
 * Context: process.
 */
void vuser_settings_put_endpoint(struct vuser_device *dev, char *copy)
{
	lockdep_assert_held(&dev->lock);
	kfree(dev->endpoint);
	dev->endpoint = copy;
}

static u32 vuser_settings_hash(const char *address)
{
	return jhash(address, strlen(address), 0);
}

/*
 * True if a device other than @dev has the address.  The caller holds the lock of
 * @dev and vuser_address_lock.
 */
static bool vuser_settings_address_taken(struct vuser_device *dev,
					 const char *address)
{
	struct vuser_device *other;

	hash_for_each_possible(vuser_addresses, other, address_node,
			       vuser_settings_hash(address))
		if (other != dev && !strcmp(other->pci_address, address))
			return true;
	return false;
}

/**
 * vuser_settings_set_pci_address() - set the PCI address of a device
 * @dev: the device; its lock is held
 * @address: domain:bus:device.function, hexadecimal; copied.  Programs can open
 *	the device by this name
 *
 * The caller reports the change with vuser_event_changed().
 *
 * Context: process; may sleep.
 * Return: 0; -EINVAL if @address is not a PCI address; -EEXIST if another
 * device has this address; -EBUSY if the device is open; -ENODEV if it is being
 * removed.
 */
int vuser_settings_set_pci_address(struct vuser_device *dev, const char *address)
{
	unsigned int domain, bus, device, function;
	char name[sizeof(dev->pci_address)];
	int end = 0, ret = -EEXIST;

	lockdep_assert_held(&dev->lock);
	if (sscanf(address, "%6x:%2x:%2x.%1x%n", &domain, &bus, &device,
		   &function, &end) != 4 || address[end])
		return -EINVAL;
	if (domain > 0xffffff || bus > 0xff || device > 0x1f || function > 7)
		return -EINVAL;
	if (dev->gone)
		return -ENODEV;
	if (dev->opened)
		return -EBUSY;
	snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", domain, bus, device,
		 function);

	mutex_lock(&vuser_address_lock);
	if (!vuser_settings_address_taken(dev, name)) {
		hash_del(&dev->address_node);
		memcpy(dev->pci_address, name, sizeof(name));
		hash_add(vuser_addresses, &dev->address_node,
			 vuser_settings_hash(name));
		ret = 0;
	}
	mutex_unlock(&vuser_address_lock);
	return ret;
}

/**
 * vuser_settings_free_pci_address() - let other devices take a device's PCI address
 * @dev: the device, after vuser_state_remove(): it gets no new address
 *
 * Context: process; may sleep.
 */
void vuser_settings_free_pci_address(struct vuser_device *dev)
{
	mutex_lock(&vuser_address_lock);
	hash_del(&dev->address_node);
	mutex_unlock(&vuser_address_lock);
}

/**
 * vuser_settings_has_address() - compare a name with the device's PCI address
 * @dev: the device
 * @name: name that a program gave to VFIO; options after a space are ignored
 *
 * Context: process; takes vuser_address_lock, which is never held while waiting
 * for a server or the helper.
 * Return: true if @name is the device's PCI address, in upper or lower case.
 */
bool vuser_settings_has_address(struct vuser_device *dev, const char *name)
{
	size_t len = strcspn(name, " ");
	bool is;

	mutex_lock(&vuser_address_lock);
	is = strlen(dev->pci_address) == len &&
	     !strncasecmp(dev->pci_address, name, len);
	mutex_unlock(&vuser_address_lock);
	return is;
}

/* sysfs -------------------------------------------------------------------- */

static ssize_t endpoint_show(struct device *d, struct device_attribute *attr,
			     char *buf)
{
	struct vuser_device *dev = dev_get_drvdata(d);
	ssize_t ret;

	mutex_lock(&dev->lock);
	ret = sysfs_emit(buf, "%s\n", dev->endpoint ? dev->endpoint : "");
	mutex_unlock(&dev->lock);
	return ret;
}

static ssize_t pci_address_show(struct device *d,
				struct device_attribute *attr, char *buf)
{
	struct vuser_device *dev = dev_get_drvdata(d);
	ssize_t ret;

	mutex_lock(&dev->lock);
	ret = sysfs_emit(buf, "%s\n", dev->pci_address);
	mutex_unlock(&dev->lock);
	return ret;
}

/*
 * Stores a value that was written to an attribute: calls @set for the value
 * without surrounding blanks, with the device's lock held, and reports the change.
 *
 * The writer needs the same right as for dev-set.  The mode of the file is not enough:
 * root in a container that has no capabilities could change the endpoint.
 */
static ssize_t vuser_settings_store(struct device *d, const char *buf,
				    size_t count,
				    int (*set)(struct vuser_device *dev,
					       const char *word))
{
	struct vuser_device *dev = dev_get_drvdata(d);
	char *copy;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	copy = kstrndup(buf, count, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	mutex_lock(&dev->lock);
	ret = set(dev, strim(copy));
	mutex_unlock(&dev->lock);
	kfree(copy);
	if (ret)
		return ret;
	vuser_event_changed(dev);
	return count;
}

static int vuser_settings_set_endpoint(struct vuser_device *dev,
				       const char *path)
{
	char *copy;
	int ret = vuser_settings_copy_endpoint(path, &copy);

	if (!ret)
		vuser_settings_put_endpoint(dev, copy);
	return ret;
}

static ssize_t endpoint_store(struct device *d, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	return vuser_settings_store(d, buf, count, vuser_settings_set_endpoint);
}

static ssize_t pci_address_store(struct device *d,
				 struct device_attribute *attr,
				 const char *buf, size_t count)
{
	return vuser_settings_store(d, buf, count,
				    vuser_settings_set_pci_address);
}

static const char * const vuser_state_names[] = {
	[VUSER_STATE_CREATED] = "created",
	[VUSER_STATE_ATTACHED] = "attached",
	[VUSER_STATE_OPEN] = "open",
	[VUSER_STATE_LOST] = "lost",
	[VUSER_STATE_RESUMING] = "resuming",
};

static ssize_t state_show(struct device *d, struct device_attribute *attr,
			  char *buf)
{
	struct vuser_device *dev = dev_get_drvdata(d);

	return sysfs_emit(buf, "%s\n",
			  vuser_state_names[READ_ONCE(dev->state)]);
}

static ssize_t error_show(struct device *d, struct device_attribute *attr,
			  char *buf)
{
	struct vuser_device *dev = dev_get_drvdata(d);
	ssize_t ret;

	mutex_lock(&dev->lock);
	ret = sysfs_emit(buf, "%s\n", dev->error ? dev->error : "");
	mutex_unlock(&dev->lock);
	return ret;
}

/*
 * The parsers of single settings.  A setting is a number, or a word from a list;
 * the number of the word is stored.
 */

static int vuser_settings_parse_number(const char *word, u32 *number)
{
	return kstrtou32(word, 0, number);
}

static int vuser_settings_parse_word(const char *word,
				     const char * const *words, size_t nr,
				     u32 *number)
{
	int i = match_string(words, nr, word);

	if (i < 0)
		return -EINVAL;
	*number = i;
	return 0;
}

static const char * const vuser_mmap_words[] = { "auto", "trap", "sparse" };
static const char * const vuser_reset_words[] = { "auto", "never" };
static const char * const vuser_pci_setup_words[] = { "auto", "never" };
static const char * const vuser_backing_words[] = { "auto", "memory", "file" };
static const char * const vuser_holes_words[] = { "scratch", "fault" };
static const char * const vuser_on_loss_words[] = { "fail", "wait", "ones" };
static const char * const vuser_kept_words[] = { "no", "yes" };

static int vuser_settings_parse_request_timeout(struct vuser_settings *set,
						const char *word)
{
	return vuser_settings_parse_number(word, &set->request_timeout_ms);
}

static int vuser_settings_parse_close_timeout(struct vuser_settings *set,
					      const char *word)
{
	return vuser_settings_parse_number(word, &set->close_timeout_ms);
}

static int vuser_settings_parse_max_dma_maps(struct vuser_settings *set,
					     const char *word)
{
	return vuser_settings_parse_number(word, &set->max_dma_maps);
}

static int vuser_settings_parse_mmap(struct vuser_settings *set,
				     const char *word)
{
	return vuser_settings_parse_word(word, vuser_mmap_words,
					 ARRAY_SIZE(vuser_mmap_words),
					 &set->mmap);
}

static int vuser_settings_parse_reset(struct vuser_settings *set,
				      const char *word)
{
	u32 number;
	int ret = vuser_settings_parse_word(word, vuser_reset_words,
					    ARRAY_SIZE(vuser_reset_words),
					    &number);

	if (!ret)
		set->reset_never = number;
	return ret;
}

static int vuser_settings_parse_pci_setup(struct vuser_settings *set,
					  const char *word)
{
	u32 number;
	int ret = vuser_settings_parse_word(word, vuser_pci_setup_words,
					    ARRAY_SIZE(vuser_pci_setup_words),
					    &number);

	if (!ret)
		set->pci_setup_never = number;
	return ret;
}

static int vuser_settings_parse_dma_backing(struct vuser_settings *set,
					    const char *word)
{
	return vuser_settings_parse_word(word, vuser_backing_words,
					 ARRAY_SIZE(vuser_backing_words),
					 &set->dma_backing);
}

static int vuser_settings_parse_dma_holes(struct vuser_settings *set,
					  const char *word)
{
	return vuser_settings_parse_word(word, vuser_holes_words,
					 ARRAY_SIZE(vuser_holes_words),
					 &set->dma_holes);
}

static int vuser_settings_parse_on_loss(struct vuser_settings *set,
					const char *word)
{
	return vuser_settings_parse_word(word, vuser_on_loss_words,
					 ARRAY_SIZE(vuser_on_loss_words),
					 &set->on_loss);
}

static int vuser_settings_parse_reconnect_timeout(struct vuser_settings *set,
						  const char *word)
{
	return vuser_settings_parse_number(word, &set->reconnect_timeout_ms);
}

static int vuser_settings_parse_state_kept(struct vuser_settings *set,
					   const char *word)
{
	u32 number;
	int ret = vuser_settings_parse_word(word, vuser_kept_words,
					    ARRAY_SIZE(vuser_kept_words),
					    &number);

	if (!ret)
		set->state_kept = number;
	return ret;
}

/* "any" or a user ID; the value for "any" is not a valid user ID. */
static int vuser_settings_parse_server_user(struct vuser_settings *set,
					    const char *word)
{
	u32 user;
	int ret;

	if (!strcmp(word, "any")) {
		set->server_user = VUSER_SERVER_USER_ANY;
		return 0;
	}
	ret = vuser_settings_parse_number(word, &user);
	if (!ret && user == VUSER_SERVER_USER_ANY)
		ret = -EINVAL;
	if (!ret)
		set->server_user = user;
	return ret;
}

/* Changes one setting, if all settings are valid together with the new value. */
static int vuser_settings_set(struct vuser_device *dev, const char *word,
			      int (*parse)(struct vuser_settings *set,
					   const char *word))
{
	struct vuser_settings set = dev->settings;
	int ret;

	ret = parse(&set, word);
	if (!ret)
		ret = vuser_settings_check(&set);
	if (!ret)
		vuser_settings_put(dev, &set);
	return ret;
}

/* Defines the sysfs attribute of one setting. */
#define VUSER_SETTING(_name, _parse, _format, _value)			\
static ssize_t _name##_show(struct device *d,				\
			    struct device_attribute *attr, char *buf)	\
{									\
	struct vuser_device *dev = dev_get_drvdata(d);			\
	const struct vuser_settings *set = &dev->settings;		\
									\
	return sysfs_emit(buf, _format "\n", _value);			\
}									\
									\
static int _name##_set(struct vuser_device *dev, const char *word)	\
{									\
	return vuser_settings_set(dev, word, _parse);			\
}									\
									\
static ssize_t _name##_store(struct device *d,				\
			     struct device_attribute *attr,		\
			     const char *buf, size_t count)		\
{									\
	return vuser_settings_store(d, buf, count, _name##_set);	\
}									\
static DEVICE_ATTR_RW(_name)

VUSER_SETTING(request_timeout_ms, vuser_settings_parse_request_timeout, "%u",
	      READ_ONCE(set->request_timeout_ms));
VUSER_SETTING(close_timeout_ms, vuser_settings_parse_close_timeout, "%u",
	      READ_ONCE(set->close_timeout_ms));
VUSER_SETTING(max_dma_maps, vuser_settings_parse_max_dma_maps, "%u",
	      READ_ONCE(set->max_dma_maps));
VUSER_SETTING(mmap, vuser_settings_parse_mmap, "%s",
	      vuser_mmap_words[READ_ONCE(set->mmap)]);
VUSER_SETTING(reset, vuser_settings_parse_reset, "%s",
	      vuser_reset_words[READ_ONCE(set->reset_never)]);
VUSER_SETTING(pci_setup, vuser_settings_parse_pci_setup, "%s",
	      vuser_pci_setup_words[READ_ONCE(set->pci_setup_never)]);
VUSER_SETTING(dma_backing, vuser_settings_parse_dma_backing, "%s",
	      vuser_backing_words[READ_ONCE(set->dma_backing)]);
VUSER_SETTING(dma_holes, vuser_settings_parse_dma_holes, "%s",
	      vuser_holes_words[READ_ONCE(set->dma_holes)]);
VUSER_SETTING(on_loss, vuser_settings_parse_on_loss, "%s",
	      vuser_on_loss_words[READ_ONCE(set->on_loss)]);
VUSER_SETTING(reconnect_timeout_ms, vuser_settings_parse_reconnect_timeout, "%u",
	      READ_ONCE(set->reconnect_timeout_ms));
VUSER_SETTING(state_kept, vuser_settings_parse_state_kept, "%s",
	      vuser_kept_words[READ_ONCE(set->state_kept)]);

static ssize_t server_user_show(struct device *d, struct device_attribute *attr,
				char *buf)
{
	struct vuser_device *dev = dev_get_drvdata(d);
	u32 user = READ_ONCE(dev->settings.server_user);

	if (user == VUSER_SERVER_USER_ANY)
		return sysfs_emit(buf, "any\n");
	return sysfs_emit(buf, "%u\n", user);
}

static int vuser_settings_set_server_user(struct vuser_device *dev,
					  const char *word)
{
	return vuser_settings_set(dev, word, vuser_settings_parse_server_user);
}

static ssize_t server_user_store(struct device *d,
				 struct device_attribute *attr, const char *buf,
				 size_t count)
{
	return vuser_settings_store(d, buf, count,
				    vuser_settings_set_server_user);
}

static DEVICE_ATTR_ADMIN_RW(endpoint);
static DEVICE_ATTR_RW(server_user);
static DEVICE_ATTR_RW(pci_address);
static DEVICE_ATTR_RO(state);
static DEVICE_ATTR_ADMIN_RO(error);

static struct attribute *vuser_attrs[] = {
	&dev_attr_endpoint.attr,
	&dev_attr_pci_address.attr,
	&dev_attr_state.attr,
	&dev_attr_error.attr,
	&dev_attr_request_timeout_ms.attr,
	&dev_attr_close_timeout_ms.attr,
	&dev_attr_max_dma_maps.attr,
	&dev_attr_mmap.attr,
	&dev_attr_reset.attr,
	&dev_attr_pci_setup.attr,
	&dev_attr_dma_backing.attr,
	&dev_attr_dma_holes.attr,
	&dev_attr_server_user.attr,
	&dev_attr_on_loss.attr,
	&dev_attr_reconnect_timeout_ms.attr,
	&dev_attr_state_kept.attr,
	NULL,
};

static const struct attribute_group vuser_attr_group = {
	.name = "vuser",
	.attrs = vuser_attrs,
};

const struct attribute_group *vuser_settings_groups[] = {
	&vuser_attr_group,
	NULL,
};
