import { runStories } from './stories.ts'

await runStories()
