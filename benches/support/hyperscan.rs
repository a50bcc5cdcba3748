//! As much of Hyperscan as the bench needs: literals, streaming mode. Debian: `libhyperscan-dev`.

use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_ulonglong, c_void},
    ptr,
};

type Handle = *mut c_void;
type OnMatch = extern "C" fn(c_uint, c_ulonglong, c_ulonglong, c_uint, *mut c_void) -> c_int;

#[link(name = "hs")]
unsafe extern "C" {
    fn hs_compile_lit_multi(
        expressions: *const *const c_char,
        flags: *const c_uint,
        ids: *const c_uint,
        lengths: *const usize,
        elements: c_uint,
        mode: c_uint,
        platform: *const c_void,
        database: *mut Handle,
        error: *mut *mut CompileError,
    ) -> c_int;
    fn hs_database_size(database: Handle, size: *mut usize) -> c_int;
    fn hs_free_database(database: Handle) -> c_int;
    fn hs_alloc_scratch(database: Handle, scratch: *mut Handle) -> c_int;
    fn hs_free_scratch(scratch: Handle) -> c_int;
    fn hs_open_stream(database: Handle, flags: c_uint, stream: *mut Handle) -> c_int;
    fn hs_scan_stream(
        stream: Handle,
        data: *const c_char,
        length: c_uint,
        flags: c_uint,
        scratch: Handle,
        on_match: OnMatch,
        context: *mut c_void,
    ) -> c_int;
    fn hs_close_stream(stream: Handle, scratch: Handle, on_match: OnMatch, context: *mut c_void) -> c_int;
}

#[repr(C)]
struct CompileError {
    message: *const c_char,
    expression: c_int,
}

/// `HS_MODE_STREAM`.
const MODE_STREAM: c_uint = 2;

/// Compiled literals and the scratch space to scan with.
pub struct Database {
    database: Handle,
    scratch: Handle,
}

impl Database {
    pub fn build(literals: &[Vec<u8>]) -> Self {
        let mut ended = literals.to_vec();
        ended.iter_mut().for_each(|literal| literal.push(0));
        let expressions: Vec<*const c_char> = ended.iter().map(|literal| literal.as_ptr().cast()).collect();
        let lengths: Vec<usize> = literals.iter().map(Vec::len).collect();
        let flags = vec![0; literals.len()];
        let ids: Vec<c_uint> = (0..literals.len() as c_uint).collect();
        let (mut database, mut scratch, mut error) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: four arrays of the given length that live through the call; the results are looked at below.
        let failed = unsafe {
            hs_compile_lit_multi(
                expressions.as_ptr(),
                flags.as_ptr(),
                ids.as_ptr(),
                lengths.as_ptr(),
                literals.len() as c_uint,
                MODE_STREAM,
                ptr::null(),
                &mut database,
                &mut error,
            )
        };
        if failed != 0 {
            // SAFETY: an error that is set points to a message that ends with a zero.
            let message = unsafe { error.as_ref().map(|error| CStr::from_ptr(error.message)) };
            panic!("Hyperscan: {message:?}");
        }
        // SAFETY: the database was compiled just now.
        let failed = unsafe { hs_alloc_scratch(database, &mut scratch) };
        assert_eq!(failed, 0, "Hyperscan's scratch space");
        Self { database, scratch }
    }

    pub fn size_bytes(&self) -> usize {
        let mut size = 0;
        // SAFETY: the database lives as long as `self`.
        let failed = unsafe { hs_database_size(self.database, &mut size) };
        assert_eq!(failed, 0, "Hyperscan's size");
        size
    }

    /// The matches in one stream of pieces.
    pub fn hits<'c>(&self, chunks: impl Iterator<Item = &'c [u8]>) -> u64 {
        let mut hits = 0_u64;
        let context = ptr::from_mut(&mut hits).cast();
        let mut stream = ptr::null_mut();
        // SAFETY: database and scratch live as long as `self`; the stream is opened, used by this thread
        // alone and closed here; `hits` outlives it.
        unsafe {
            assert_eq!(hs_open_stream(self.database, 0, &mut stream), 0, "Hyperscan opens a stream");
            for chunk in chunks {
                let length = chunk.len() as c_uint;
                let failed = hs_scan_stream(stream, chunk.as_ptr().cast(), length, 0, self.scratch, count, context);
                assert_eq!(failed, 0, "Hyperscan scans");
            }
            assert_eq!(hs_close_stream(stream, self.scratch, count, context), 0, "Hyperscan closes the stream");
        }
        hits
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: nothing else has either handle.
        unsafe {
            hs_free_scratch(self.scratch);
            hs_free_database(self.database);
        }
    }
}

extern "C" fn count(_: c_uint, _: c_ulonglong, _: c_ulonglong, _: c_uint, context: *mut c_void) -> c_int {
    // SAFETY: the context is the counter of `Database::hits`, and nothing else looks at it meanwhile.
    unsafe { *context.cast::<u64>() += 1 };
    0
}
