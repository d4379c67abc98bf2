//! System calls that fail, for tests.

use std::io;

/// Makes a system call of this thread, and of processes that it starts, fail with an error (seccomp(2)).
pub(crate) fn deny(call: libc::c_long, error: i32) {
    fn statement(code: u32, jumps: [u8; 2], k: u32) -> libc::sock_filter {
        libc::sock_filter { code: u16::try_from(code).unwrap(), jt: jumps[0], jf: jumps[1], k }
    }
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let number = u32::try_from(call).unwrap();
    let refusal = libc::SECCOMP_RET_ERRNO | error.cast_unsigned();
    let mut filter = [
        statement(load, [0, 0], 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, [0, 1], number),
        statement(libc::BPF_RET | libc::BPF_K, [0, 0], refusal),
        statement(libc::BPF_RET | libc::BPF_K, [0, 0], libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
    // SAFETY: the program points to four statements that outlive the call, which copies them.
    let code = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0_u32, &raw const program)
    };
    assert_eq!(code, 0, "{}", io::Error::last_os_error());
}
