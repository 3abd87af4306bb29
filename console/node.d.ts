// Files of src that the types of the contract come from import these. The browser has neither.
declare module 'node:crypto'
declare module 'node:url'
