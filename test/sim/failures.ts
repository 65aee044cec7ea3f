// Seeds that failed once. Each is played again with every test run; what it was is said beside it.
// What a seed plays changes with the simulator and the target; where the target was at fault there is a test of its own, named here.

/** Seeds from before initiators declared lengths anew: all that there was is switched on, so that they play what they did. */
export const FAILED_BEFORE_DECLARATIONS: readonly number[] = [
  // A session that waited for its turn when its worker failed was served, and main had forgotten it (control/handoff.test.ts).
  270,
  // A connection had the handle of one whose tasks had yet to end, and lost its place in the table to it (session/session-host.test.ts).
  6,
  // A session that was reinstated lost its RESERVE(6), as it has to, and the model went on judging by it (sim/reservation-model.ts).
  596526845,
  // A WRITE that was on its way while the session was logged out over another connection outlived it (session/connection.test.ts).
  596526898,
  // What the disk had begun for a session that an operator ended overwrote what its initiator wrote after its next login (same place).
  596526958,
  // A WRITE that was aborted twice while a Data-Out PDU for it came in never ended, nor its session (session/connection.test.ts).
  603144931,
  // A command whose data came in while its unit was removed wrote to it all the same, at ErrorRecoveryLevel 1 (session/digest-error.test.ts).
  100220,
  // A command was taken up by another connection when half of its immediate data had come, and never began (session/reassign.test.ts).
  200331,
  // An ABORT TASK SET that waited for a command that had yet to come looked for tasks of a unit that was removed meanwhile, and another had
  // the LUN (session/task-management.test.ts).
  14000422,
  // A unit that nobody had used for a while was removed, and the simulation did not find its disk (sim/target.ts).
  14000569,
  // A CLEAR TASK SET outlived its session: the logout was answered before it, and it ended what others sent afterwards
  // (session/connection.test.ts).
  47228741,
  // The simulation took a session for one at rest whose logout nobody answered (sim/initiator.ts).
  47228844,
  // An UNMAP of a unit that was gone failed before its unasked data came; its connection broke, and another never answered it
  // (session/reassign.test.ts).
  47300745,
  // A worker failed whose session was to take the place of one on another worker: what that had reserved was free before it had ended
  // (control/sessions.test.ts).
  47600059,
  // A block in memory was torn within its first word, and the simulation looked for a whole word of what was being written (sim/block-model.ts).
  81703579,
  // A task that another connection took up kept its place in the list of the lost one, and the lists of both were broken when it ended
  // (session/reassign.test.ts).
  140049571,
];

/** Seeds from before orders about reservations came at once, and Data-Out PDUs without data at all: the rest is switched on. */
export const FAILED_BEFORE_RIVALRY: readonly number[] = [
  // Data that was cut into shorter segments had the tag of an acknowledgement in PDUs that did not ask for one (session/snack.test.ts).
  3,
  // An R-Data SNACK for a command that had failed before it sent data was rejected, and its status never carried the tag (same place).
  20,
  // A status that was asked for again came on more data than its initiator took by then (session/snack.test.ts).
  2110,
  // The simulation took it for a mistake that a command that was given up was answered without its SNACK Tag and with it (sim/data-recovery.ts).
  3339,
];
