import { pattern, schema, truthy } from '@stoplight/spectral-functions';
import { oas } from '@stoplight/spectral-rulesets';

/** Spectral's own rules for OpenAPI, and what we ask of every operation on top. All of them are errors. */
export default {
  extends: [[oas, 'all']],
  rules: {
    // Whoever runs an installation is its contact; the product has no address of its own.
    'contact-properties': 'off',
    'vouch-operation-id': {
      description: 'Every operation has an id that makes a method name.',
      given: '$.paths[*][get,put,post,delete,patch]',
      severity: 'error',
      then: { field: 'operationId', function: pattern, functionOptions: { match: '^[a-z][A-Za-z]+$' } },
    },
    'vouch-summary': {
      description: 'Every operation has a summary without a full stop, and a description.',
      given: '$.paths[*][get,put,post,delete,patch]',
      severity: 'error',
      then: [
        { field: 'summary', function: pattern, functionOptions: { match: '^[A-Z].*[^.]$' } },
        { field: 'description', function: truthy },
      ],
    },
    'vouch-security': {
      description: 'Every operation says which credentials it takes; an empty list says: none.',
      given: '$.paths[*][get,put,post,delete,patch]',
      severity: 'error',
      then: { field: 'security', function: schema, functionOptions: { schema: { type: 'array' } } },
    },
    'vouch-examples': {
      description: 'Every body that is sent or answered has an example.',
      given: ['$.paths[*][*].requestBody.content[*]', '$.paths[*][*].responses[*].content[*]'],
      severity: 'error',
      then: {
        function: schema,
        functionOptions: { schema: { type: 'object', required: ['schema', 'example'] } },
      },
    },
    'vouch-problems': {
      description: 'Every operation says how it refuses: at least 429, with problem details.',
      given: '$.paths[*][get,put,post,delete,patch].responses',
      severity: 'error',
      then: { field: '429', function: truthy },
    },
    'vouch-problem-details': {
      description: 'Every refusal is application/problem+json.',
      given: '$.components.responses[*].content',
      severity: 'error',
      then: { field: 'application/problem+json', function: truthy },
    },
    'vouch-no-inline-problem': {
      description: 'No operation answers a 4xx in a shape of its own.',
      given: '$.paths[*][*].responses[?(@property.match(/^4/))].content',
      severity: 'error',
      then: { field: 'application/problem+json', function: truthy },
    },
  },
};
