#!/bin/bash
# tries: to leave a hook in the owner's repository
# works: git runs it for whoever commits next
# see: githooks(5); CVE-2024-32002
# goal: change
# watch: $WORK/.git/hooks
printf '#!/bin/sh\n' >.git/hooks/post-commit && chmod +x .git/hooks/post-commit
