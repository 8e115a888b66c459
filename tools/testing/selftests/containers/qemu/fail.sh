# SPDX-License-Identifier: GPL-2.0
# A job that fails.
echo "about to fail"
exit 3
