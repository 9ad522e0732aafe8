// SPDX-License-Identifier: GPL-2.0
/*
 * Driver for the device of driver courses, 1234:11e8, as Dalang has it: with MSI-X beside MSI and
 * the wired interrupt, and with 64-bit DMA.
 *
 * /dev/eduN is the device's buffer of 4096 bytes: reads and writes go through its DMA. Below
 * /sys/bus/pci/drivers/edu/ADDRESS/ are
 *
 *   factorial   write n; reads n! mod 2^32, which the device has announced by an interrupt
 *   raise       write bits 0x02..0xfe; returns when the interrupt has told them back
 *   interrupts  what is used (msix, msi or intx), the vectors, and how often each was served
 *
 * Module parameter irq: msix, msi, intx, or auto for the first of them that there is.
 */
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/uaccess.h>

#define EDU_LIVENESS 0x04
#define EDU_FACTORIAL 0x08
#define EDU_STATUS 0x20
#define EDU_STATUS_INTERRUPT 0x80
#define EDU_INTERRUPTS 0x24
#define EDU_RAISE 0x60
#define EDU_ACKNOWLEDGE 0x64
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_RUN 0x1
#define EDU_DMA_TO_MEMORY 0x2
#define EDU_DMA_INTERRUPT 0x4
#define EDU_BUFFER 0x40000
#define EDU_BUFFER_BYTES 4096

/* What the interrupt status says; each cause has a vector of its own where there are three. */
#define EDU_CAUSE_FACTORIAL 0x001
#define EDU_CAUSE_RAISED 0x0fe
#define EDU_CAUSE_DMA 0x100
#define EDU_CAUSES 3

static const u32 edu_causes[EDU_CAUSES] = {
	EDU_CAUSE_FACTORIAL, EDU_CAUSE_RAISED, EDU_CAUSE_DMA
};
static const char *const edu_names[EDU_CAUSES] = {
	"edu-factorial", "edu-raise", "edu-dma"
};

static char *irq = "auto";
module_param(irq, charp, 0444);
MODULE_PARM_DESC(irq, "msix, msi, intx, or auto (default)");

static DEFINE_IDA(edu_numbers);

struct edu;

struct edu_vector {
	struct edu *edu;
	u32 causes;
	atomic_t served;
};

struct edu {
	struct kref users; /* the function, and each open file: a file may outlive its device */
	struct pci_dev *pci;
	void __iomem *registers;
	struct mutex lock; /* one request at a time; holds what follows */
	bool gone;
	struct completion done[EDU_CAUSES];
	struct edu_vector vectors[EDU_CAUSES];
	int vector_count;
	void *buffer;
	dma_addr_t buffer_address;
	struct miscdevice file;
	char name[16];
	int number;
};

static irqreturn_t edu_interrupt(int number, void *data)
{
	struct edu_vector *vector = data;
	struct edu *edu = vector->edu;
	u32 causes = readl(edu->registers + EDU_INTERRUPTS) & vector->causes;
	int i;

	if (!causes)
		return IRQ_NONE;
	writel(causes, edu->registers + EDU_ACKNOWLEDGE);
	atomic_inc(&vector->served);
	for (i = 0; i < EDU_CAUSES; i++)
		if (causes & edu_causes[i])
			complete(&edu->done[i]);
	return IRQ_HANDLED;
}

static int edu_wait(struct edu *edu, int cause)
{
	return wait_for_completion_timeout(&edu->done[cause], 5 * HZ) ? 0 : -ETIMEDOUT;
}

/* Moves bytes between our buffer and the device's, at the same offset. */
static int edu_dma(struct edu *edu, size_t at, size_t count, bool to_memory)
{
	u64 ours = edu->buffer_address + at;
	u64 theirs = EDU_BUFFER + at;
	u32 command = EDU_DMA_RUN | EDU_DMA_INTERRUPT;

	reinit_completion(&edu->done[2]);
	writeq(to_memory ? theirs : ours, edu->registers + EDU_DMA_SOURCE);
	writeq(to_memory ? ours : theirs, edu->registers + EDU_DMA_DESTINATION);
	writeq(count, edu->registers + EDU_DMA_COUNT);
	if (to_memory)
		command |= EDU_DMA_TO_MEMORY;
	writel(command, edu->registers + EDU_DMA_COMMAND);
	return edu_wait(edu, 2);
}

static void edu_free(struct kref *users)
{
	kfree(container_of(users, struct edu, users));
}

static void edu_put(void *edu)
{
	kref_put(&((struct edu *)edu)->users, edu_free);
}

/* Excludes misc_deregister(), as the caller holds its lock. */
static int edu_open(struct inode *inode, struct file *file)
{
	kref_get(&container_of(file->private_data, struct edu, file)->users);
	return 0;
}

static int edu_release(struct inode *inode, struct file *file)
{
	edu_put(container_of(file->private_data, struct edu, file));
	return 0;
}

static ssize_t edu_read(struct file *file, char __user *to, size_t count, loff_t *at)
{
	struct edu *edu = container_of(file->private_data, struct edu, file);
	ssize_t result;

	if (*at < 0 || *at >= EDU_BUFFER_BYTES)
		return 0;
	count = min_t(size_t, count, EDU_BUFFER_BYTES - *at);
	mutex_lock(&edu->lock);
	result = edu->gone ? -ENODEV : edu_dma(edu, *at, count, true);
	if (!result && copy_to_user(to, edu->buffer + *at, count))
		result = -EFAULT;
	mutex_unlock(&edu->lock);
	if (result)
		return result;
	*at += count;
	return count;
}

static ssize_t edu_write(struct file *file, const char __user *from, size_t count, loff_t *at)
{
	struct edu *edu = container_of(file->private_data, struct edu, file);
	ssize_t result;

	if (*at < 0 || *at >= EDU_BUFFER_BYTES)
		return -ENOSPC;
	count = min_t(size_t, count, EDU_BUFFER_BYTES - *at);
	mutex_lock(&edu->lock);
	if (edu->gone)
		result = -ENODEV;
	else if (copy_from_user(edu->buffer + *at, from, count))
		result = -EFAULT;
	else
		result = edu_dma(edu, *at, count, false);
	mutex_unlock(&edu->lock);
	if (result)
		return result;
	*at += count;
	return count;
}

static const struct file_operations edu_operations = {
	.owner = THIS_MODULE,
	.open = edu_open,
	.release = edu_release,
	.read = edu_read,
	.write = edu_write,
	.llseek = default_llseek,
};

static ssize_t factorial_show(struct device *device, struct device_attribute *attribute, char *text)
{
	struct edu *edu = dev_get_drvdata(device);

	return sysfs_emit(text, "%u\n", readl(edu->registers + EDU_FACTORIAL));
}

static ssize_t factorial_store(struct device *device, struct device_attribute *attribute,
			       const char *text, size_t count)
{
	struct edu *edu = dev_get_drvdata(device);
	u32 of;
	int error = kstrtou32(text, 0, &of);

	if (error)
		return error;
	mutex_lock(&edu->lock);
	reinit_completion(&edu->done[0]);
	writel(of, edu->registers + EDU_FACTORIAL);
	error = edu_wait(edu, 0);
	mutex_unlock(&edu->lock);
	return error ? error : count;
}
static DEVICE_ATTR_RW(factorial);

static ssize_t raise_store(struct device *device, struct device_attribute *attribute,
			   const char *text, size_t count)
{
	struct edu *edu = dev_get_drvdata(device);
	u32 bits;
	int error = kstrtou32(text, 0, &bits);

	if (error)
		return error;
	if (!bits || bits & ~EDU_CAUSE_RAISED)
		return -EINVAL;
	mutex_lock(&edu->lock);
	reinit_completion(&edu->done[1]);
	writel(bits, edu->registers + EDU_RAISE);
	error = edu_wait(edu, 1);
	mutex_unlock(&edu->lock);
	return error ? error : count;
}
static DEVICE_ATTR_WO(raise);

static ssize_t interrupts_show(struct device *device, struct device_attribute *attribute,
			       char *text)
{
	struct edu *edu = dev_get_drvdata(device);
	const char *mode = edu->pci->msix_enabled ? "msix" : edu->pci->msi_enabled ? "msi" : "intx";
	int at = sysfs_emit(text, "%s %d:", mode, edu->vector_count);
	int i;

	for (i = 0; i < edu->vector_count; i++)
		at += sysfs_emit_at(text, at, " %d", atomic_read(&edu->vectors[i].served));
	return at + sysfs_emit_at(text, at, "\n");
}
static DEVICE_ATTR_RO(interrupts);

static struct attribute *edu_attrs[] = {
	&dev_attr_factorial.attr,
	&dev_attr_raise.attr,
	&dev_attr_interrupts.attr,
	NULL
};
ATTRIBUTE_GROUPS(edu);

static void edu_free_vectors(void *data)
{
	pci_free_irq_vectors(data);
}

static int edu_request_interrupts(struct edu *edu)
{
	struct pci_dev *pci = edu->pci;
	unsigned int types;
	int count, error, i;

	if (!strcmp(irq, "auto"))
		types = PCI_IRQ_ALL_TYPES;
	else if (!strcmp(irq, "msix"))
		types = PCI_IRQ_MSIX;
	else if (!strcmp(irq, "msi"))
		types = PCI_IRQ_MSI;
	else if (!strcmp(irq, "intx"))
		types = PCI_IRQ_INTX;
	else
		return dev_err_probe(&pci->dev, -EINVAL, "irq=%s is none of ours\n", irq);

	count = pci_alloc_irq_vectors(pci, EDU_CAUSES, EDU_CAUSES, types);
	if (count < 0)
		count = pci_alloc_irq_vectors(pci, 1, 1, types);
	if (count < 0)
		return dev_err_probe(&pci->dev, count, "no interrupt by irq=%s\n", irq);
	error = devm_add_action_or_reset(&pci->dev, edu_free_vectors, pci);
	if (error)
		return error;
	edu->vector_count = count;
	for (i = 0; i < count; i++) {
		struct edu_vector *vector = &edu->vectors[i];

		vector->edu = edu;
		vector->causes = count == 1 ? EDU_CAUSE_FACTORIAL | EDU_CAUSE_RAISED | EDU_CAUSE_DMA
					    : edu_causes[i];
		error = devm_request_irq(&pci->dev, pci_irq_vector(pci, i), edu_interrupt,
					 IRQF_SHARED, count == 1 ? "edu" : edu_names[i], vector);
		if (error)
			return error;
	}
	return 0;
}

static int edu_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);
	int error, i;

	if (!edu)
		return -ENOMEM;
	kref_init(&edu->users);
	error = devm_add_action_or_reset(&pci->dev, edu_put, edu);
	if (error)
		return error;
	edu->pci = pci;
	mutex_init(&edu->lock);
	for (i = 0; i < EDU_CAUSES; i++)
		init_completion(&edu->done[i]);
	pci_set_drvdata(pci, edu);

	error = pcim_enable_device(pci);
	if (error)
		return error;
	error = pcim_iomap_regions(pci, BIT(0), "edu");
	if (error)
		return error;
	edu->registers = pcim_iomap_table(pci)[0];
	writel(0x12345678, edu->registers + EDU_LIVENESS);
	if (readl(edu->registers + EDU_LIVENESS) != ~0x12345678u)
		return dev_err_probe(&pci->dev, -ENODEV, "the device does not live\n");

	error = dma_set_mask_and_coherent(&pci->dev, DMA_BIT_MASK(64));
	if (error)
		return error;
	edu->buffer = dmam_alloc_coherent(&pci->dev, EDU_BUFFER_BYTES, &edu->buffer_address,
					  GFP_KERNEL);
	if (!edu->buffer)
		return -ENOMEM;
	pci_set_master(pci);
	writel(~0u, edu->registers + EDU_ACKNOWLEDGE);
	error = edu_request_interrupts(edu);
	if (error)
		goto no_master;
	writel(EDU_STATUS_INTERRUPT, edu->registers + EDU_STATUS);

	edu->number = ida_alloc(&edu_numbers, GFP_KERNEL);
	if (edu->number < 0) {
		error = edu->number;
		goto no_number;
	}
	snprintf(edu->name, sizeof(edu->name), "edu%d", edu->number);
	edu->file.minor = MISC_DYNAMIC_MINOR;
	edu->file.name = edu->name;
	edu->file.fops = &edu_operations;
	edu->file.parent = &pci->dev;
	error = misc_register(&edu->file);
	if (error)
		goto no_file;
	dev_info(&pci->dev, "%s, %d interrupt vectors\n", edu->name, edu->vector_count);
	return 0;

no_file:
	ida_free(&edu_numbers, edu->number);
no_number:
	writel(0, edu->registers + EDU_STATUS);
no_master:
	pci_clear_master(pci);
	return error;
}

static void edu_remove(struct pci_dev *pci)
{
	struct edu *edu = pci_get_drvdata(pci);

	misc_deregister(&edu->file);
	ida_free(&edu_numbers, edu->number);
	mutex_lock(&edu->lock);
	edu->gone = true;
	mutex_unlock(&edu->lock);
	writel(0, edu->registers + EDU_STATUS);
	pci_clear_master(pci);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = "edu",
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
	.dev_groups = edu_groups,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("Driver for the device of driver courses");
MODULE_AUTHOR("the Dalang authors");
MODULE_LICENSE("GPL");
