import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Task } from '../../src/scsi/task.ts';
import { TaskQueue } from '../../src/scsi/task-queue.ts';

const TASKS = 6;

/** Every task in the queue, in order, by taking them out. */
function drain(queue: TaskQueue): Task[] {
  const tasks: Task[] = [];
  for (let task = queue.first; task !== null; task = queue.first) {
    queue.remove(task);
    tasks.push(task);
  }
  return tasks;
}

describe('TaskQueue', () => {
  it('keeps the order of arrival, lets anyone leave, and puts back in front, as a list would', () => {
    const step = fc.record({
      what: fc.constantFrom('push' as const, 'remove' as const, 'moveToFront' as const),
      task: fc.nat({ max: TASKS - 1 }),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const queue = new TaskQueue();
        const tasks = Array.from({ length: TASKS }, () => new Task());
        let model: Task[] = [];
        for (const { what, task: index } of steps) {
          const task = tasks[index]!;
          const waits = model.includes(task);
          expect(task.waitsIn).toBe(waits ? queue : null);
          if (what === 'push') {
            queue.push(task);
            if (!waits) model.push(task);
          } else if (waits) {
            queue[what](task);
            model = model.filter((each) => each !== task);
            if (what === 'moveToFront') model.unshift(task);
          }
          expect(queue.first).toBe(model[0] ?? null);
          expect(queue.empty).toBe(model.length === 0);
        }
        expect(drain(queue)).toEqual(model);
      }),
    );
  });

  it('does not take a task that waits elsewhere', () => {
    const [one, two] = [new TaskQueue(), new TaskQueue()];
    const task = new Task();
    one.push(task);
    two.push(task);
    expect([one.first, two.first]).toEqual([task, null]);
  });
});
