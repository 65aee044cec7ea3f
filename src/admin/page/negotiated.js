// What was negotiated with a session, asked for when somebody opens it: it hardly ever changes, so it is no part of what comes each second.
// Where it stands, and how it is asked for, is page.js's.

import { element } from './elements.js';

/** As the standard spells it. */
const spelt = (key) => (key.startsWith('iSCSI') ? key : `${key[0].toUpperCase()}${key.slice(1)}`);
const value = (given) => (typeof given === 'boolean' ? (given ? 'Yes' : 'No') : String(given));
const pairs = (parameters) => Object.entries(parameters).map(([key, given]) => `${spelt(key)}=${value(given)}`);

/** Lines for a session as the API tells of it: what all of it has, and what each connection has of its own. */
function lines({ parameters, connections }) {
  const own = connections.map(({ cid, peerAddress, parameters: { maxXmitDataSegmentLength, ...rest } }) => {
    const theirs = `MaxRecvDataSegmentLength of the initiator=${maxXmitDataSegmentLength}`;
    return `Connection ${cid} from ${peerAddress}: ${[...pairs(rest), theirs].join(', ')}`;
  });
  return [pairs(parameters).join(', '), ...own];
}

/** Something to open; `load` answers the session. */
export function negotiated(load) {
  const place = element('div');
  const details = element('details', {}, element('summary', { textContent: 'Negotiated' }), place);
  details.addEventListener('toggle', async () => {
    if (!details.open) return;
    try {
      place.replaceChildren(...lines(await load()).map((line) => element('p', { textContent: line })));
    } catch (error) {
      place.replaceChildren(element('p', { textContent: `It could not be had: ${error.message}` }));
    }
  });
  return details;
}
