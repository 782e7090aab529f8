//! Fields of kernel structures that the programs read. Their offsets differ from kernel to kernel: the
//! loader looks each up in the running kernel's BTF and writes it into the global of that name, which
//! is then frozen, so that the verifier knows it as a constant.

/// Calls a macro with the whole list: global, structure, member.
#[macro_export]
macro_rules! kernel_fields {
    ($then:ident) => {
        $then! {
            O_FILE_PATH, "file", "f_path";
            O_FILE_MODE, "file", "f_mode";
            O_FILE_FLAGS, "file", "f_flags";
            O_PATH_MNT, "path", "mnt";
            O_PATH_DENTRY, "path", "dentry";
            O_VFSMOUNT_ROOT, "vfsmount", "mnt_root";
            O_VFSMOUNT_FLAGS, "vfsmount", "mnt_flags";
            O_MOUNT_MNT, "mount", "mnt";
            O_MOUNT_PARENT, "mount", "mnt_parent";
            O_MOUNT_MOUNTPOINT, "mount", "mnt_mountpoint";
            O_MOUNT_NAMESPACE, "mount", "mnt_ns";
            O_MNTNS_ROOT, "mnt_namespace", "root";
            O_DENTRY_PARENT, "dentry", "d_parent";
            O_DENTRY_NAME, "dentry", "d_name";
            O_DENTRY_INODE, "dentry", "d_inode";
            O_QSTR_NAME, "qstr", "name";
            O_QSTR_LEN, "qstr", "len";
            O_INODE_NUMBER, "inode", "i_ino";
            O_INODE_GENERATION, "inode", "i_generation";
            O_INODE_MODE, "inode", "i_mode";
            O_INODE_DEVICE, "inode", "i_rdev";
            O_INODE_SUPER, "inode", "i_sb";
            O_SUPER_DEVICE, "super_block", "s_dev";
            O_SUPER_MAGIC, "super_block", "s_magic";
            O_SUPER_MOUNTS, "super_block", "s_mounts";
            O_ATTRIBUTES_VALID, "iattr", "ia_valid";
            O_BPRM_FILE, "linux_binprm", "file";
            O_BPRM_CRED, "linux_binprm", "cred";
            O_BPRM_ARGC, "linux_binprm", "argc";
            O_BPRM_INTERP, "linux_binprm", "interp";
            O_BPRM_FILENAME, "linux_binprm", "filename";
            O_CRED_EUID, "cred", "euid";
            O_CRED_EGID, "cred", "egid";
            O_CRED_PERMITTED, "cred", "cap_permitted";
            O_CRED_EFFECTIVE, "cred", "cap_effective";
            O_CRED_NAMESPACE, "cred", "user_ns";
            O_MM_ARG_START, "mm_struct", "arg_start";
            O_MM_ARG_END, "mm_struct", "arg_end";
            O_MM_ENV_START, "mm_struct", "env_start";
            O_MM_ENV_END, "mm_struct", "env_end";
            O_MM_EXE_FILE, "mm_struct", "exe_file";
            O_VMA_FILE, "vm_area_struct", "vm_file";
            O_VMA_FLAGS, "vm_area_struct", "vm_flags";
            O_SOCKET_SK, "socket", "sk";
            O_SOCKET_TYPE, "socket", "type";
            O_SOCK_COMMON, "sock", "__sk_common";
            O_COMMON_FAMILY, "sock_common", "skc_family";
            O_COMMON_PORT, "sock_common", "skc_num";
            O_COMMON_FOUR, "sock_common", "skc_rcv_saddr";
            O_COMMON_SIX, "sock_common", "skc_v6_rcv_saddr";
            O_COMMON_PEER_PORT, "sock_common", "skc_dport";
            O_COMMON_PEER_FOUR, "sock_common", "skc_daddr";
            O_COMMON_PEER_SIX, "sock_common", "skc_v6_daddr";
            O_SOCK_PROTOCOL, "sock", "sk_protocol";
            O_UNIX_PEER, "unix_sock", "peer";
            O_UNIX_ADDRESS, "unix_sock", "addr";
            O_UNIX_PATH, "unix_sock", "path";
            O_UNIX_ADDRESS_LEN, "unix_address", "len";
            O_UNIX_ADDRESS_NAME, "unix_address", "name";
            O_MSG_NAME, "msghdr", "msg_name";
            O_MSG_NAMELEN, "msghdr", "msg_namelen";
            O_MSG_CONTROL, "msghdr", "msg_control";
            O_MSG_CONTROLLEN, "msghdr", "msg_controllen";
            O_TASK_LEADER, "task_struct", "group_leader";
            O_TASK_PARENT, "task_struct", "real_parent";
            O_TASK_TGID, "task_struct", "tgid";
            O_TASK_CHILDREN, "task_struct", "children";
            O_TASK_SIBLING, "task_struct", "sibling";
            O_TASK_SIGNAL, "task_struct", "signal";
            O_SIGNAL_TERMINAL, "signal_struct", "tty";
            O_TERMINAL_DATA, "tty_struct", "driver_data";
            O_SIGNAL_PIDS, "signal_struct", "pids";
            O_PID_LEVEL, "pid", "level";
            O_PID_NUMBERS, "pid", "numbers";
            O_TASK_START, "task_struct", "start_boottime";
            O_TASK_NSPROXY, "task_struct", "nsproxy";
            O_TASK_CGROUPS, "task_struct", "cgroups";
            O_TASK_MM, "task_struct", "mm";
            O_TASK_CRED, "task_struct", "cred";
            O_TASK_FS, "task_struct", "fs";
            O_FS_PWD, "fs_struct", "pwd";
            O_FS_USERS, "fs_struct", "users";
            O_TASK_EXIT_STATE, "task_struct", "exit_state";
            O_TASK_PERSONALITY, "task_struct", "personality";
            O_TASK_FLAGS, "task_struct", "flags";
            O_TASK_THREAD_INFO, "task_struct", "thread_info";
            O_THREAD_STATUS, "thread_info", "status";
            O_REGISTERS_CALL, "pt_regs", "orig_ax";
            O_REGISTERS_FIRST, "pt_regs", "di";
            O_REGISTERS_SECOND, "pt_regs", "si";
            O_REGISTERS_THIRD, "pt_regs", "dx";
            O_REGISTERS_FIRST_32, "pt_regs", "bx";
            O_NSPROXY_MNT, "nsproxy", "mnt_ns";
            O_CSSSET_CGROUP, "css_set", "dfl_cgrp";
            O_CGROUP_NODE, "cgroup", "kn";
            O_CGROUP_SELF, "cgroup", "self";
            O_CSS_PARENT, "cgroup_subsys_state", "parent";
            O_NODE_ID, "kernfs_node", "id";
        }
    };
}

/// As [`kernel_fields!`], for fields that some kernels don't have: their offset is 0 there, which none of
/// them has where it is.
#[macro_export]
macro_rules! optional_kernel_fields {
    ($then:ident) => {
        $then! {
            // Which mounts show a file system: a list through `mnt_instance` before Linux 6.18, a chain
            // since.
            O_MOUNT_INSTANCE, "mount", "mnt_instance";
            O_MOUNT_NEXT, "mount", "mnt_next_for_sb";
            // When a file was changed: one structure, and since Linux 6.11 two fields.
            O_INODE_CHANGED, "inode", "i_ctime";
            O_INODE_CHANGED_SECONDS, "inode", "i_ctime_sec";
            O_INODE_CHANGED_REST, "inode", "i_ctime_nsec";
        }
    };
}
