// Package future has typed results that settle once, without goroutines.
//
// A [Promise] is the write side. Whoever runs an operation keeps it, usually
// inside the operation's own struct, and settles it with Resolve, Reject or Cancel.
// A [Future] is the read side of the same memory, handed to whoever waits:
//
//	type lookup struct {
//		promise future.Promise[netip.Addr]
//		name    string
//	}
//
//	func (l *lookup) Addr() *future.Future[netip.Addr] { return l.promise.Future() }
//
// # Settling
//
// The first to settle wins, and each of the three methods says whether it did. The
// result is stored, so it can be read any number of times: [Future.Result] looks,
// [Future.Await] waits, [Future.Done] is for select, [Future.OnReady] calls back.
//
// Nothing here starts a goroutine. Callbacks run inside the call that settles, on
// its goroutine, once each and in the order they were added, with no lock held; on
// a settled future OnReady calls at once. When Resolve returns, all that hangs on
// the future has run, derived futures included.
//
// # Deriving
//
// [Map], [Then], [Recover] and [Shield] derive a future from one other, [All],
// [AllSettled], [Any] and [Race] from several, [Each] from a series of operations.
// A derived future settles when what it waits for does. However long a chain of
// them is, settling or cancelling it takes constant stack and linear time. A
// function that derives from settled futures by calling itself still recurses, as
// any function does; [Each] loops instead.
//
// # Cancelling
//
// To cancel is to settle with [ErrCanceled], whichever side does it.
//
//   - Upwards: cancelling a derived future cancels what it waits for at that
//     moment, as far up as it goes. At the top the owner's [Promise.OnCancel] hook
//     runs and stops the operation, or [Promise.Cancels] names the operation itself.
//     Hooks run before any callback does.
//   - Downwards: a cancelled source cancels what derives from it, and the
//     functions given to Map, Then and Recover do not run.
//   - Sideways: All, Any and Race cancel what they no longer wait for once they
//     are settled.
//
// A source that others wait for too is cancelled for them all. [Shield] is the
// remedy: cancelling what it returns leaves the source alone.
//
// Cancelled means settled with ErrCanceled itself. An error that merely wraps it,
// and says more, is an error like any other, and Recover sees it.
//
// # Panics
//
// A panic in a callback is not recovered: it reaches whoever settled the future.
// Before it does, all other callbacks run. The future that a panicking function
// should have given its result to rejects with [ErrPanicked]. runtime.Goexit is
// treated alike.
//
// # Concurrency
//
// All methods and functions may be used from any number of goroutines. What they
// cost without contention is one atomic word: settling takes two atomic
// operations, adding the first callback two, reading one load.
package future
