// The reference page of the login status codes, docs/login-status.md, made from the table so that the two never differ.
// Writing the file is a script's business; a test holds that it is up to date.

import { formatLoginStatus, LOGIN_STATUS, type LoginStatusEntry } from '../pdu/login-status.ts';

const HEAD = `# Login status codes

Every login that this target refuses, it refuses with one of these codes ([RFC 7143](https://www.rfc-editor.org/rfc/rfc7143), section
11.13.5). The log and the admin interface say for each refusal which rule fired, what was received and what was expected;
\`lunaring explain CODE\` prints what stands here.

A refused connection is closed after its response. After class 1 the initiator goes where the response's TargetAddress says, after
class 2 it must not repeat the same request, after class 3 it may try again later.

<!-- Made from src/pdu/login-status.ts; change it there. -->
`;

/** The whole page. */
export function renderLoginStatusMarkdown(): string {
  const rows = LOGIN_STATUS.map(({ code, name, meaning }) => {
    const status = formatLoginStatus(code);
    return `| [${status}](#${status.toLowerCase()}-${name.toLowerCase()}) | ${name} | ${meaning} |`;
  });
  const table = ['| code | name | meaning |', '| --- | --- | --- |', ...rows].join('\n');
  return `${HEAD}\n${table}\n\n${LOGIN_STATUS.map(renderEntry).join('\n')}`;
}

function renderEntry(entry: LoginStatusEntry): string {
  const { code, name, meaning, when, causes, fixes, sections } = entry;
  const list = (items: readonly string[]) => items.map((item) => `- ${item}`).join('\n');
  return `## ${formatLoginStatus(code)} ${name}

${meaning}

**Sent when:** ${when}

**Likely causes**

${list(causes)}

**What helps**

${list(fixes)}

RFC 7143 section ${sections.join(', ')}.
`;
}
