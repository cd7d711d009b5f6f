//! Hands the arguments to `cli` and returns its exit code.

fn main() -> std::process::ExitCode {
    keyharbor::cli::main()
}

/// Of the threads that take deposits in, one makes what another frees: the C library's allocator takes a fifth of their time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
