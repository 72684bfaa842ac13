// SPDX-License-Identifier: BSD-3-Clause
/* An MSI-X table and its pending bits, which behave like memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/pci.h>

static size_t table_size(const struct vuser_msix *msix)
{
	return (size_t)msix->vectors * PCI_MSIX_ENTRY_SIZE;
}

static size_t pba_size(const struct vuser_msix *msix)
{
	return (msix->vectors + 63) / 64 * 8;
}

int vuser_msix_init(struct vuser_msix *msix, uint32_t vectors)
{
	msix->vectors = vectors;
	msix->table = calloc(vectors ?: 1, PCI_MSIX_ENTRY_SIZE);
	msix->pba = calloc(1, pba_size(msix) ?: 1);
	if (!msix->table || !msix->pba) {
		vuser_msix_fini(msix);
		return -ENOMEM;
	}
	vuser_msix_reset(msix);
	return 0;
}

void vuser_msix_fini(struct vuser_msix *msix)
{
	free(msix->table);
	free(msix->pba);
	memset(msix, 0, sizeof(*msix));
}

void vuser_msix_reset(struct vuser_msix *msix)
{
	uint32_t i;

	memset(msix->table, 0, table_size(msix));
	memset(msix->pba, 0, pba_size(msix));
	for (i = 0; i < msix->vectors; i++)
		msix->table[i * PCI_MSIX_ENTRY_SIZE +
			    PCI_MSIX_ENTRY_VECTOR_CTRL] =
			PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

/* The number of bytes of an access that are within @size bytes. */
static size_t inside(uint64_t offset, uint32_t count, size_t size)
{
	if (offset >= size)
		return 0;
	return count < size - offset ? count : size - offset;
}

static void read_from(const uint8_t *mem, size_t size, uint64_t offset,
		      void *buf, uint32_t count)
{
	size_t len = inside(offset, count, size);

	memset(buf, 0, count);
	if (len)
		memcpy(buf, mem + offset, len);
}

void vuser_msix_table_read(const struct vuser_msix *msix, uint64_t offset,
			   void *buf, uint32_t count)
{
	read_from(msix->table, table_size(msix), offset, buf, count);
}

void vuser_msix_table_write(struct vuser_msix *msix, uint64_t offset,
			    const void *buf, uint32_t count)
{
	size_t len = inside(offset, count, table_size(msix));

	if (len)
		memcpy(msix->table + offset, buf, len);
}

void vuser_msix_pba_read(const struct vuser_msix *msix, uint64_t offset,
			 void *buf, uint32_t count)
{
	read_from(msix->pba, pba_size(msix), offset, buf, count);
}
