// SPDX-License-Identifier: GPL-2.0
/*
 * Print the rate of this machine's time-stamp counter in kHz. QEMU's translator
 * shows it to the guest, which, without ACPI, has nothing to measure it with.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(void)
{
	long long start = now_ns(), end;
	unsigned long long ticks = __rdtsc();

	do {
		end = now_ns();
	} while (end - start < 200000000);
	printf("%lld\n", (long long)(__rdtsc() - ticks) * 1000000 / (end - start));
	return 0;
}
