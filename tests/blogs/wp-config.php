<?php
// The blog of the tests: its own database on a socket, and no word to the outside.
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:' . getenv('BLOG_SOCKET'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $key) {
    define("{$key}_KEY", "$key of a throw-away blog");
    define("{$key}_SALT", "salt of $key of a throw-away blog");
}
define('WP_HOME', getenv('BLOG_ADDRESS'));
define('WP_SITEURL', getenv('BLOG_ADDRESS'));
// Passwords for the REST interface are otherwise given out over https alone.
define('WP_ENVIRONMENT_TYPE', 'local');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('WP_ACCESSIBLE_HOSTS', 'localhost');
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISABLE_WP_CRON', true);
define('WP_DEBUG', false);
$table_prefix = 'wp_';
if (!defined('ABSPATH')) {
    define('ABSPATH', __DIR__ . '/');
}
// Only for the command line, which has no request.
$_SERVER['HTTP_HOST'] ??= parse_url(WP_HOME, PHP_URL_HOST);
require_once ABSPATH . 'wp-settings.php';
